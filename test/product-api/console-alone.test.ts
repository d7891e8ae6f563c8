import { expect, test } from 'vitest';
import { call, outcome, verifyKey } from '../support/api.ts';
import { sealSession } from '../support/sealed-session.ts';
import { startService } from '../support/service.ts';

const service = await startService(
  {},
  {
    product: {
      api: {
        base_path: '/api',
        keep_v1: 'console',
        error: { body: { error: { code: '$code', message: '$message', request_id: '$request_id' } } },
        operations: { createApiKey: { path: '/keys' }, verifyApiKey: { path: '/verify' } },
      },
    },
  },
);
const acme = await service.organizations.add();
const owner = await acme.session('owner');
const cookie = `wos_session=${await sealSession(owner)}`;
const fromPage = { cookie, 'sec-fetch-site': 'same-origin' };
const PATHS = ['/v1/api-keys', '/v1/me/session', '/v1/product', '/v1/organization', '/v1/audit-events'];

test("the console's pages, which send the cookie alone, have all of Latchkey's own routes", async () => {
  for (const path of PATHS)
    expect([path, ...outcome(await call(service, 'GET', path, { headers: fromPage }))]).toEqual([path, 200, undefined]);
  const body = { label: 'by the console', permission_set: 'read_only' };
  const made = await call(service, 'POST', '/v1/api-keys', { headers: fromPage, body });
  expect(made.status).toBe(201);
  expect((await verifyKey(service, { key: String(made.body['value']) })).body).toMatchObject({ valid: true });
});

test.each([
  ['no credential', {}],
  ['a token', { authorization: `Bearer ${owner}` }],
  ['a token in a header of its own', { 'x-access-token': owner }],
  ['a key', { 'x-api-key': 'sk_0123456789abcdefghijklmn' }],
  ['a cookie and a token', { ...fromPage, authorization: `Bearer ${owner}` }],
  ['a cookie and a key', { ...fromPage, 'x-api-key': 'sk_0123456789abcdefghijklmn' }],
])('with %s they are unknown, whatever the method', async (_what, headers) => {
  for (const path of PATHS)
    for (const method of ['GET', 'PUT'])
      expect([path, ...outcome(await call(service, method, path, { headers }))]).toEqual([
        path,
        404,
        'route_not_found',
      ]);
});

test('a cookie of another site is refused there as everywhere', async () => {
  const headers = { cookie, 'sec-fetch-site': 'cross-site' };
  const body = { label: 'from elsewhere', permission_set: 'read_only' };
  expect(outcome(await call(service, 'POST', '/v1/api-keys', { headers, body }))).toEqual([403, 'permission_denied']);
});

test("documents have the product's routes and those of services alone", async () => {
  const { paths } = (await call(service, 'GET', '/openapi.json')).body as unknown as { paths: object };
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/api/keys', '/api/verify', '/v1/api-keys/verify']));
  for (const path of PATHS) expect(Object.keys(paths)).not.toContain(path);
});

test('customers have the routes of the product', async () => {
  const body = { label: 'a key', permission_set: 'read_only' };
  expect((await call(service, 'POST', '/api/keys', { token: owner, body })).status).toBe(201);
});
