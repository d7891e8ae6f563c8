import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startChild } from '../support/child.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

// Plays the commands of examples/express-api/README.md and docs/tutorials/guard-an-api.md.
const ROOT = join(import.meta.dirname, '..', '..');
const service = await startService();
const acme = await service.organizations.add();
const owner = await acme.session('owner');

const example = startChild(
  process.execPath,
  ['--import', './test/client/as-published.ts', 'examples/express-api/server.js'],
  { cwd: ROOT, env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: SERVICE_TOKEN, PORT: '0' } },
);
afterAll(async () => {
  example.kill('SIGTERM');
  await example.exited;
});
const [, url] = await example.saw(/listens on (\S+),/);

async function ask(method: string, path: string, key?: string, body?: object) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(key && { authorization: `Bearer ${key}` }), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { error?: { code: string }; id?: string; data?: object[] };
  return { status: response.status, code: answer.error?.code, answer };
}

test('examples/express-api answers as its README says', async () => {
  const full = await createKey(service, owner, { permission_set: 'full_access' });
  const reading = await createKey(service, owner);
  expect(await ask('GET', '/tasks')).toMatchObject({ status: 401, code: 'credential_missing' });
  const made = await ask('POST', '/tasks', full.value, { title: 'First' });
  expect(made.status).toBe(201);
  expect((await ask('GET', '/tasks', reading.value)).answer.data).toEqual([made.answer]);
  expect((await ask('POST', '/tasks/search', reading.value, { title: 'Fi' })).answer.data).toHaveLength(1);
  expect(await ask('POST', '/tasks', reading.value, { title: 'x' })).toMatchObject({
    status: 403,
    answer: { error: { code: 'permission_denied', details: { required_scopes: ['tasks:write'] } } },
  });
  expect((await ask('GET', '/whoami', full.value)).answer).toMatchObject({ organizationId: acme.id });

  const billing = `/v1/organizations/${acme.id}/billing`;
  await call(service, 'PUT', billing, { token: SERVICE_TOKEN, body: { status: 'past_due' } });
  await expect.poll(async () => (await ask('POST', '/tasks', full.value, {})).code).toBe('billing_inactive');
  expect((await ask('DELETE', `/tasks/${made.answer.id}`, full.value)).status).toBe(200);

  await call(service, 'DELETE', `/v1/api-keys/${full.id}`, { token: owner });
  await expect.poll(async () => (await ask('GET', '/tasks', full.value)).code).toBe('credential_invalid');
});
