import { describe, expect, test } from 'vitest';
import { asLabel } from '../../src/product-api/organization-hosts.ts';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import { rawCall } from '../support/raw.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const PAGE = 'https://admin.example.com';

const service = await startService(
  {},
  {
    product: {
      console: { enabled: false },
      api: {
        base_path: '/api',
        keep_v1: false,
        // The form of Latchkey's own errors, so that the tests' helpers read it.
        error: { body: { error: { code: '$code', message: '$message', request_id: '$request_id' } } },
        operations: {
          getSession: { path: '/me' },
          createApiKey: { path: '/keys' },
          getApiKey: { path: '/keys/{id}' },
          verifyApiKey: { path: '/verify' },
        },
        cors: { origins: [PAGE] },
      },
      organization_hosts: { pattern: '{organization}.example.com', others: ['api.example.com'] },
    },
  },
);
const acme = await service.organizations.add();
const globex = await service.organizations.add();
const owner = await acme.session('owner');
const labels = Object.fromEntries(
  await Promise.all(
    [acme, globex].map(async ({ id }) => {
      const name = `${id.slice(-6)} Ltd.`;
      await service.db('tenants').where({ organization_id: id }).update({ name });
      return [id, asLabel(name)] as const;
    }),
  ),
) as Record<string, string>;

const me = (host: string, token = owner) =>
  rawCall(service, 'GET', '/api/me', { headers: { host, authorization: `Bearer ${token}` } });

const from = (origin: string, method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`${service.url}${path}`, { method, headers: { origin, ...headers } });

describe('an organization by host name', () => {
  test("admits the organization's own credentials", async () => {
    expect(outcome(await me(`${labels[acme.id]}.example.com`))).toEqual([200, undefined]);
    expect(outcome(await me(`${labels[acme.id]!.toUpperCase()}.Example.com:8080`))).toEqual([200, undefined]);
  });

  test("refuses another organization's with 403", async () => {
    expect(outcome(await me(`${labels[globex.id]}.example.com`))).toEqual([403, 'permission_denied']);
    expect(outcome(await me('nowhere.example.com'))).toEqual([403, 'permission_denied']);
    expect(outcome(await me(`${labels[acme.id]}.${labels[globex.id]}.example.com`))).toEqual([
      403,
      'permission_denied',
    ]);
  });

  test('names none at other hosts', async () => {
    for (const host of ['api.example.com', 'localhost', '127.0.0.1:3000', 'example.com', 'example.com.evil.test'])
      expect(outcome(await me(host))).toEqual([200, undefined]);
  });

  test('asks nothing of services, which ask about keys of all', async () => {
    const headers = {
      host: `${labels[globex.id]}.example.com`,
      authorization: `Bearer ${SERVICE_TOKEN}`,
      'content-type': 'application/json',
    };
    const answer = await rawCall(service, 'POST', '/api/verify', { headers, body: JSON.stringify({ key: 'sk_x' }) });
    expect(answer).toMatchObject({ status: 200, body: { code: 'not_found' } });
  });

  test.each([
    ['Acme', 'acme'],
    ['Müller & Söhne GmbH', 'muller-sohne-gmbh'],
    ['--a--', 'a'],
    ['記憶', ''],
  ])('makes of the name %s the label %s', (name, label) => expect(asLabel(name)).toBe(label));
});

describe('pages of other origins', () => {
  const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-access-token' };

  test('may ask before they call an operation', async () => {
    const { status, headers } = await from(PAGE, 'OPTIONS', '/api/keys', preflight);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(headers.get('access-control-allow-methods')).toBe('POST');
    expect(headers.get('access-control-allow-headers')).toContain('x-access-token');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('vary')).toMatch(/origin/i);
  });

  test('may read answers and errors', async () => {
    const answer = await from(PAGE, 'GET', '/api/me', { authorization: `Bearer ${owner}` });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, PAGE]);
    const refused = await from(PAGE, 'GET', '/api/me');
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, PAGE]);
    const one = await from(PAGE, 'GET', '/api/keys/api_key_none', { authorization: `Bearer ${owner}` });
    expect([one.status, one.headers.get('access-control-allow-origin')]).toEqual([404, PAGE]);
  });

  test.each([
    ['of an unknown origin', 'https://evil.test', '/api/me'],
    ['of an origin that begins in the same way', `${PAGE}.evil.test`, '/api/me'],
    ['that verify keys, which only services do', PAGE, '/api/verify'],
    ["at Latchkey's own routes", PAGE, '/v1/api-keys/verify'],
    ['at no route', PAGE, '/api/nothing'],
  ])('%s may not', async (_what, origin, path) => {
    for (const method of ['GET', 'OPTIONS']) {
      const { status, headers } = await from(origin, method, path, preflight);
      expect(status).not.toBe(204);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe("without Latchkey's own routes for customers", () => {
  test('they are unknown, with any credential', async () => {
    for (const path of ['/v1/api-keys', '/v1/me/session', '/v1/product', '/v1/meta', '/console'])
      expect(outcome(await call(service, 'GET', path, { token: owner }))).toEqual([404, 'route_not_found']);
  });

  test('services, proxies and probes go on', async () => {
    const made = await call(service, 'POST', '/api/keys', {
      token: owner,
      body: { label: 'a key', permission_set: 'read_only' },
    });
    const key = String(made.body['value']);
    expect((await verifyKey(service, { key })).body).toMatchObject({ valid: true });
    expect(outcome(await call(service, 'GET', '/v1/auth/forward', { token: key }))).toEqual([200, undefined]);
    expect(outcome(await call(service, 'GET', '/healthz'))).toEqual([200, undefined]);
    await expect(createKey(service, owner)).rejects.toThrow('404');
  });
});
