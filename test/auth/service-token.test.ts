import { expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import { StartError } from '../../src/errors.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const FULL = 'svc_full_0123456789';
const BILLING = 'svc_billing_0123456789';
const READER = 'svc_reader_0123456789';
const service = await startService({
  LATCHKEY_SERVICE_TOKENS: `${FULL}, ${BILLING}:billing:write ,${READER}:billing:read+apikeys:verify`,
});

const INVALID = [401, 'credential_invalid'];
const DENIED = [403, 'permission_denied'];
const put = (id: string, token: string) =>
  call(service, 'PUT', `/v1/organizations/${id}/billing`, { token, body: { status: 'active' } });

test('lets a service token without scopes use every service route', async () => {
  const acme = await service.organizations.add(null);
  expect(outcome(await put(acme.id, FULL))).toEqual([200, undefined]);
});

test('lets a limited service token use its scopes and nothing else', async () => {
  const acme = await service.organizations.add(null);
  expect(outcome(await put(acme.id, BILLING))).toEqual([200, undefined]);
  const refused = await put(acme.id, READER);
  expect(outcome(refused)).toEqual(DENIED);
  expect(refused.body.error.details).toEqual({ required_scopes: ['billing:write'] });
});

test.each([`${FULL}x`, FULL.slice(0, -1), 'svc_', `${BILLING}:billing:write`, FULL.toUpperCase()])(
  'refuses %s',
  async (token) => {
    const acme = await service.organizations.add(null);
    expect(outcome(await put(acme.id, token))).toEqual(INVALID);
  },
);

test('returns 403 to tenants on a service route, whatever their scopes', async () => {
  const acme = await service.organizations.add();
  const key = await createKey(service, await acme.session());
  for (const token of [
    await acme.session('owner', { permissions: ['billing:write', 'billing:read', 'apikeys:verify'] }),
    await acme.machineToken('billing:write billing:read apikeys:verify'),
    key.value,
  ]) {
    expect(outcome(await put(acme.id, token))).toEqual(DENIED);
  }
});

test('returns 403 to a service on a tenant route', async () => {
  const acme = await service.organizations.add();
  for (const path of ['/v1/api-keys', `/v1/organization?organization_id=${acme.id}`, '/v1/me/session']) {
    expect(outcome(await call(service, 'GET', path, { token: FULL }))).toEqual(DENIED);
  }
});

test('records two service tokens under two ids that do not reveal them', async () => {
  const acme = await service.organizations.add(null);
  await put(acme.id, FULL);
  await service.db('tenants').where({ organization_id: acme.id }).update({ billing_status: 'past_due' });
  await put(acme.id, BILLING);
  const actors: string[] = await service.db('audit_events').where({ organization_id: acme.id }).pluck('actor_id');
  expect(new Set(actors).size).toBe(2);
  for (const actor of actors) expect(actor).toMatch(/^service_[0-9a-f]{12}$/);
});

test.each([
  ['a token without its prefix', 'latchkey_0123456789', 'LATCHKEY_SERVICE_TOKENS.0: needs svc_'],
  ['a short token', 'svc_short', 'LATCHKEY_SERVICE_TOKENS.0: needs svc_'],
  ['an unknown scope', `${FULL}:billing:write+everything`, 'LATCHKEY_SERVICE_TOKENS.0: names a scope that is none of'],
  ['no scope behind the colon', `${FULL}:`, 'LATCHKEY_SERVICE_TOKENS.0: needs svc_'],
])('refuses to start for %s, without repeating the token', (_what, entry, message) => {
  const start = () => readConfig({ LATCHKEY_SERVICE_TOKENS: entry });
  expect(start).toThrow(StartError);
  expect(start).toThrow(message);
  expect(start).not.toThrow(entry.split(':')[0]);
});
