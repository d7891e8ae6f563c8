import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, machineToken, sdk, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const PATH = '/connect/applications';
const APPLICATION = {
  name: 'Nightly',
  application_type: 'm2m',
  organization_id: 'org_acme',
  scopes: ['apikeys:write'],
};

it('creates, changes and deletes a machine client, which signs in with its secret only', async () => {
  const { body: made } = await call(emulator, 'POST', PATH, { body: APPLICATION });
  expect((await call(emulator, 'GET', `${PATH}/${made.id}`)).body).toEqual(made);
  const { body: secret } = await call(emulator, 'POST', `${PATH}/${made.id}/client_secrets`, { body: {} });
  const ask = (value: string) => machineToken(emulator, { client_id: made.client_id, client_secret: value });
  expect((await ask('wrong')).status).toBe(401);
  const token = await ask(secret.secret);
  expect(decodeJwt(token.body.access_token)).toMatchObject({ org_id: 'org_acme', scope: 'apikeys:write' });
  const { body: secrets } = await call(emulator, 'GET', `${PATH}/${made.id}/client_secrets`);
  expect(secrets).toMatchObject([{ id: secret.id, last_used_at: expect.any(String) }]);
  expect(JSON.stringify(secrets)).not.toContain(secret.secret);
  await call(emulator, 'PUT', `${PATH}/${made.id}`, { body: { scopes: ['audit:read'] } });
  expect(decodeJwt((await ask(secret.secret)).body.access_token)['scope']).toBe('audit:read');
  expect((await call(emulator, 'DELETE', `/connect/client_secrets/${secret.id}`)).status).toBe(204);
  expect((await ask(secret.secret)).status).toBe(401);
  expect((await call(emulator, 'DELETE', `${PATH}/${made.id}`)).status).toBe(204);
  expect((await call(emulator, 'GET', `${PATH}/${made.id}`)).status).toBe(404);
});

it('lists those of a seed by organization, also through the official SDK', async () => {
  const { data } = await sdk(emulator).connect.listApplications({ organizationId: 'org_globex' });
  expect(data).toMatchObject([{ clientId: 'client_ci_globex', applicationType: 'm2m' }]);
});

it('refuses an application for people, an unknown organization and a sixth secret', async () => {
  const oauth = { ...APPLICATION, application_type: 'oauth', is_first_party: true };
  expect((await call(emulator, 'POST', PATH, { body: oauth })).status).toBe(422);
  const lost = { ...APPLICATION, organization_id: 'org_nobody' };
  expect((await call(emulator, 'POST', PATH, { body: lost })).status).toBe(404);
  const { body: made } = await call(emulator, 'POST', PATH, { body: APPLICATION });
  const statuses: number[] = [];
  for (let count = 0; count < 6; count += 1)
    statuses.push((await call(emulator, 'POST', `${PATH}/${made.id}/client_secrets`, { body: {} })).status);
  expect(statuses).toEqual([201, 201, 201, 201, 201, 422]);
});
