import { expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { rawCall } from '../support/raw.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const acme = await service.organizations.add();
const owner = await acme.session('owner');
const auth = { authorization: `Bearer ${owner}` };

test.each([
  ['/v1/api-keys', ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'], 'POST, GET, HEAD'],
  ['/v1/api-keys/api_key_x', ['POST', 'PUT', 'OPTIONS'], 'GET, HEAD, PATCH, DELETE'],
  ['/v1/api-keys/permissions', ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], 'GET, HEAD'],
  ['/v1/organization', ['POST', 'DELETE'], 'GET, HEAD'],
  ['/v1/organizations/org_x/billing', ['GET', 'POST', 'DELETE', 'HEAD'], 'PUT'],
  ['/healthz', ['POST', 'DELETE'], 'GET, HEAD'],
  ['/metrics', ['POST', 'OPTIONS'], 'GET, HEAD'],
  ['/docs', ['POST', 'OPTIONS'], 'GET, HEAD'],
  ['/openapi.json', ['POST', 'DELETE'], 'GET, HEAD'],
])('returns 405 with Allow on %s for %j', async (path, methods, allowed) => {
  for (const method of methods) {
    const answer = await rawCall(service, method, path, { headers: auth });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')?.split(', ').toSorted()).toEqual(allowed.split(', ').toSorted());
    const code = method === 'HEAD' ? 'method_not_allowed' : answer.body.error.code;
    expect(code).toBe('method_not_allowed');
  }
});

test.each(['GET', 'POST', 'DELETE', 'OPTIONS'])(
  'returns 404 for %s on an unknown path, with any credential',
  async (method) => {
    for (const headers of [auth, {}]) {
      const answer = await rawCall(service, method, '/v1/nothing', { headers });
      expect(outcome(answer)).toEqual([404, 'route_not_found']);
    }
  },
);

test.each(['/v1/api-keys', '/v1/organization', '/healthz', '/docs', '/openapi.json', '/metrics', '/v1/nothing'])(
  'HEAD %s is GET without the body',
  async (path) => {
    const [head, get] = await Promise.all(
      ['HEAD', 'GET'].map((method) => fetch(`${service.url}${path}`, { method, headers: auth })),
    );
    expect(head?.status).toBe(get?.status);
    expect(head?.headers.get('content-type')).toBe(get?.headers.get('content-type'));
    expect(await head?.text()).toBe('');
    expect(head?.headers.get('x-request-id')).toMatch(/^req_/);
  },
);

test('ignores a trailing slash', async () => {
  expect(outcome(await rawCall(service, 'GET', '/v1/api-keys/', { headers: auth }))).toEqual([200, undefined]);
});

test('routes to a fixed path before a key of the same name', async () => {
  const { body } = await call(service, 'GET', '/v1/api-keys/permissions', { token: owner });
  expect(body.data[0]).toHaveProperty('group');
});

test("gives every answer its own request id, never the client's", async () => {
  const ids = new Set<string>();
  for (const path of ['/healthz', '/v1/nothing', '/docs', '/metrics', '/v1/organization']) {
    for (const sent of ['req_000000000000000000000000', 'x', '\u00ff', '']) {
      const answer = await rawCall(service, 'GET', path, { headers: { ...auth, 'x-request-id': sent } });
      const id = String(answer.headers.get('x-request-id'));
      expect(id).toMatch(/^req_[0-9a-f]{24}$/);
      expect(id).not.toBe(sent);
      ids.add(id);
    }
  }
  expect(ids.size).toBe(20);
});

test('sends headers against caching, framing and sniffing, and none that names the framework', async () => {
  const key = await createKey(service, owner);
  for (const path of ['/v1/api-keys', `/v1/api-keys/${key.id}`, '/v1/nothing', '/healthz']) {
    const { headers } = await rawCall(service, 'GET', path, { headers: auth });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('etag')).toBeNull();
    expect(headers.get('set-cookie')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('answers a conditional or partial request in full', async () => {
  const conditions = { 'if-none-match': '"x"', 'if-match': '"x"', range: 'bytes=0-1', 'if-modified-since': 'x' };
  for (const path of ['/v1/organization', '/docs', '/openapi.json']) {
    const { status } = await rawCall(service, 'GET', path, { headers: { ...auth, ...conditions } });
    expect(status).toBe(200);
  }
});

test.each([
  ['application/json', 201],
  ['application/json; charset=utf-8', 201],
  ['APPLICATION/JSON', 201],
  ['text/json', 415],
  ['application/x-www-form-urlencoded', 415],
  ['multipart/form-data; boundary=x', 415],
])('answers a body of type %s with %i', async (type, status) => {
  const body = JSON.stringify({ label: 'a', permission_set: 'read_only' });
  const headers = { ...auth, 'content-type': type };
  expect((await rawCall(service, 'POST', '/v1/api-keys', { headers, body })).status).toBe(status);
});

test.each([
  ['64 KiB', 64 * 1024, [400, 'validation_error']],
  ['one byte more', 64 * 1024 + 1, [413, 'payload_too_large']],
  ['a mebibyte', 1024 * 1024, [413, 'payload_too_large']],
])('answers a body of %s with the right error', async (_what, size, expected) => {
  const body = JSON.stringify({ label: 'x'.repeat(size - '{"label":""}'.length) });
  expect(Buffer.byteLength(body)).toBe(size);
  expect(outcome(await call(service, 'POST', '/v1/api-keys', { token: owner, body }))).toEqual(expected);
});
