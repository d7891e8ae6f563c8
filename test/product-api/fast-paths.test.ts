import { describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService(
  {},
  {
    product: {
      api: {
        base_path: '/api/v3',
        error: { body: { error: { code: '$code', text: '$message' }, retryAfter: '$retry_after?', id: '$request_id' } },
        errors: { rate_limited: { status: 429, code: 'slow.down' }, permission_denied: { status: 400, code: 'no' } },
        operations: {
          verifyApiKey: {
            path: '/check',
            status: 202,
            request: { token: 'key', needs: 'scopes' },
            request_values: { lease: false },
            response: {
              ok: 'valid',
              why: 'code',
              by: 'owner.id',
              title: 'label',
              left: 'rate_limit.remaining',
              slot: 'lease.id',
              at: 'checked_at',
              permissions: 'scopes',
              'from.source': 'source',
              company: 'organization_id',
              posture: 'billing.posture',
            },
            defaults: { any: { slot: 'none' } },
          },
          forwardAuth: { path: '/allow', response: { company: 'organization_id', keyId: 'key_id' } },
          getSession: {
            path: '/who',
            response: { company: 'organization_id', name: 'api_key_label', kind: 'kind' },
            defaults: { any: { name: null } },
          },
        },
        cors: { origins: ['https://app.acme.example'] },
      },
    },
  },
);
const slow = await service.withoutFastPaths();
const acme = await service.organizations.add();
const owner = await acme.session('owner');
const newKey = (body: object = {}) => createKey(service, owner, { label: 'with "quotes" — and more', ...body });
const key = await newKey({ rate_limit: { limit: 90, window_seconds: 60 } });

type Answer = { status: number; body: Record<string, unknown>; text: string; headers: Headers };

async function ask(url: string, path: string, headers: Record<string, string>, body?: object): Promise<Answer> {
  const response = await fetch(`${url}/api/v3${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { status } = response;
  return { status, body: JSON.parse(text) as Record<string, unknown>, text, headers: response.headers };
}
const verify = (body: object, url = service.url) =>
  ask(url, '/check', { authorization: `Bearer ${SERVICE_TOKEN}` }, body);
const forward = (value: string, query = '', url = service.url) => ask(url, `/allow${query}`, { 'x-api-key': value });
const who = (value: string, url = service.url, headers: Record<string, string> = {}) =>
  ask(url, '/who', { 'x-api-key': value, ...headers });
/** The fast path logs no accepted request; the route logs each. */
const logged = (path: string) => service.logs.filter((line) => line.includes(`"route":"/api/v3${path}"`)).length;

/** Both answers, once both processes have the key in memory. */
async function both(send: (url: string) => Promise<Answer>): Promise<[Answer, Answer]> {
  await Promise.all([send(service.url), send(slow.url)]);
  return Promise.all([send(service.url), send(slow.url)]);
}

/** Without what each process counts, and the time. */
const settled = ({ text }: Answer) =>
  text
    .replace(/"left":\d+/, '"left":0')
    .replace(/"at":"[^"]+"/, '"at":""')
    .replace(/req_\w+/, '');

describe('verification under a path of the product', () => {
  test('is answered on the fast path with the bytes of the route', async () => {
    const [fast, route] = await both((url) => verify({ token: key.value }, url));
    const before = logged('/check');
    expect((await verify({ token: key.value, needs: ['workspace:read'] })).status).toBe(202);
    expect(logged('/check')).toBe(before);
    expect(fast.status).toBe(route.status);
    expect(settled(fast)).toBe(settled(route));
    expect(fast.body).toEqual({
      ok: true,
      why: 'valid',
      by: acme.id,
      title: 'with "quotes" — and more',
      left: expect.any(Number),
      slot: 'none',
      at: expect.stringMatching(/Z$/),
      permissions: expect.arrayContaining(['workspace:read']),
      from: { source: 'cache' },
      company: acme.id,
      posture: 'active',
    });
    expect(fast.headers.get('ratelimit')).toMatch(/./);
  });

  test.each([
    ['a scope that the key lacks', { needs: ['caps:write'] }, 'insufficient_scope'],
    ['a key that is unknown', { token: 'sk_0123456789abcdefghijklmn' }, 'not_found'],
  ])('has the bytes of the route for %s', async (_what, body, why) => {
    const [fast, route] = await both((url) => verify({ token: key.value, ...body }, url));
    expect(settled(fast)).toBe(settled(route));
    expect(fast.body).toMatchObject({ ok: false, why });
  });

  test('follows a change of the key at once', async () => {
    const other = await newKey({ label: 'before' });
    await verify({ token: other.value });
    expect((await verify({ token: other.value })).body).toMatchObject({ title: 'before' });
    const headers = { authorization: `Bearer ${owner}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ label: 'after' });
    await fetch(`${service.url}/v1/api-keys/${other.id}`, { method: 'PATCH', headers, body });
    expect((await verify({ token: other.value })).body).toMatchObject({ title: 'after' });
    await fetch(`${service.url}/v1/api-keys/${other.id}`, { method: 'DELETE', headers });
    expect((await verify({ token: other.value })).body).toMatchObject({ ok: false, why: 'revoked' });
  });

  test.each([
    ["Latchkey's own name", { key: key.value }],
    ['a value that is not sent', { token: key.value, lease: true }],
    ['many keys', { keys: [{ token: key.value }] }],
    ['no key', {}],
    ['an empty key', { token: '' }],
  ])('refuses %s as the route does', async (_what, body) => {
    const [fast, route] = await both((url) => verify(body, url));
    expect([fast.status, settled(fast)]).toEqual([400, settled(route)]);
    expect(fast.body).toMatchObject({ error: { code: 'validation_error' } });
  });
});

describe('a read from memory under a path of the product', () => {
  test('is answered on the fast path with the bytes and headers of the route', async () => {
    const [fast, route] = await both((url) => who(key.value, url));
    const before = logged('/who');
    await who(key.value);
    expect(logged('/who')).toBe(before);
    expect([fast.status, fast.text]).toEqual([200, route.text]);
    expect(fast.body).toEqual({ company: acme.id, name: 'with "quotes" — and more', kind: 'api_key' });
    expect([...fast.headers.keys()].toSorted()).toEqual([...route.headers.keys()].toSorted());
    expect(fast.headers.get('vary')).toBe(route.headers.get('vary'));
  });

  test('names the origin of a page', async () => {
    const origin = 'https://app.acme.example';
    const [answer] = await both((url) => who(key.value, url, { origin }));
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
  });

  test('refuses a request over the rate in the form of the product', async () => {
    const limited = await newKey({ rate_limit: { limit: 2, window_seconds: 60 } });
    for (let i = 0; i < 2; i++) expect((await who(limited.value)).status).toBe(200);
    const refused = await who(limited.value);
    expect([refused.status, refused.body]).toEqual([
      429,
      {
        error: { code: 'slow.down', text: expect.any(String) },
        retryAfter: expect.any(Number),
        id: expect.stringMatching(/^req_/),
      },
    ]);
  });
});

describe('forward authentication under a path of the product', () => {
  test('is answered on the fast path with the bytes and headers of the route', async () => {
    const [fast, route] = await both((url) => forward(key.value, '?scope=workspace:read', url));
    const before = logged('/allow');
    await forward(key.value);
    expect(logged('/allow')).toBe(before);
    expect([fast.status, fast.text]).toEqual([200, route.text]);
    expect(fast.body).toEqual({ company: acme.id, keyId: key.id });
    for (const name of ['x-latchkey-organization-id', 'x-latchkey-key-id', 'x-latchkey-scopes'])
      expect(fast.headers.get(name)).toBe(route.headers.get(name));
  });

  test('refuses a request over the rate in the form of the product, with the wait in the body', async () => {
    const limited = await newKey({ rate_limit: { limit: 2, window_seconds: 60 } });
    const statuses = [await forward(limited.value), await forward(limited.value)].map(({ status }) => status);
    expect(statuses).toEqual([200, 200]);
    const { status, body, headers } = await forward(limited.value);
    const wait = Number(headers.get('retry-after'));
    expect([status, body]).toEqual([
      429,
      {
        error: { code: 'slow.down', text: expect.stringMatching(/./) },
        retryAfter: wait,
        id: headers.get('x-request-id'),
      },
    ]);
    expect(wait).toBeGreaterThan(0);
    const mapped = await forward(limited.value, '?map=403');
    expect([mapped.status, mapped.body]).toMatchObject([403, { error: { code: 'slow.down' }, retryAfter: wait }]);
  });

  test('has the statuses of the product, or those that proxies pass on', async () => {
    const [fast, route] = await both((url) => forward(key.value, '?scope=caps:write', url));
    expect([fast.status, settled(fast)]).toEqual([400, settled(route)]);
    const [mapped] = await both((url) => forward(key.value, '?scope=caps:write&map=403', url));
    expect([mapped.status, mapped.body]).toMatchObject([403, { error: { code: 'no' } }]);
    const unknown = await forward('sk_0123456789abcdefghijklmn', '?map=403');
    expect([unknown.status, unknown.body]).toMatchObject([401, { error: { code: 'credential_invalid' } }]);
  });
});
