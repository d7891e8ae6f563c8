import { describe, expect, test } from 'vitest';
import { call, createKey, requestKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const OPERATIONS = {
  getSession: {
    path: '/me',
    callers: ['user', 'api_key'],
    response: { 'caller.id': 'user_id', 'caller.mail': 'email', workspace: 'organization_id', by: 'impersonator.id' },
    defaults: { api_key: { 'caller.mail': null, by: 'none' }, any: { by: 'unknown' } },
  },
  createApiKey: {
    path: '/keys',
    status: 200,
    request: { title: 'label', 'options.ips': 'ip_allow_list', expires: 'expires_at', lives: 'expires_in' },
    request_values: { permission_set: 'read_only' },
    response: { keyId: 'id', keyTitle: 'label', keyValue: 'value', 'owner.kind': 'owner.type' },
  },
  listApiKeys: {
    path: '/keys',
    query: { size: 'limit', search: 'q' },
    response: { keys: { each: 'data', as: { keyId: 'id', keyTitle: 'label' } }, next: 'list_metadata.after' },
  },
  getApiKey: { path: '/keys/{keyId}', params: { keyId: 'id' }, response: { keyId: 'id', ends: 'expires_at' } },
  revokeApiKey: { path: '/keys/{keyId}/revoke', method: 'post', params: { keyId: 'id' } },
  verifyApiKey: { path: '/verify', request: { token: 'key', needs: 'scopes' }, response: { ok: 'valid', why: 'code' } },
} as const;

const api = {
  base_path: '/api/v2',
  error: {
    body: {
      success: false,
      error: { code: '$code', text: '$message', id: '$request_id', fields: '$fields?' },
      retryAfter: '$retry_after?',
      status: '$status',
    },
  },
  errors: { api_key_not_found: { status: 410, code: 'KEY_GONE', message: 'There is no such key.' } },
  operations: OPERATIONS,
} as const;

const service = await startService({}, { product: { api: structuredClone(api) as never } });
const acme = await service.organizations.add();
const owner = await acme.session('owner');
const key = await createKey(service, owner);

type Answer = { status: number; body: Record<string, unknown>; requestId: string | null };

async function send(method: string, path: string, token = owner, body?: unknown): Promise<Answer> {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const answered = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body: answered, requestId: response.headers.get('x-request-id') };
}

describe('an answer', () => {
  test('has the mapped members alone, nested as they are named', async () => {
    expect((await send('GET', '/api/v2/me')).body).toEqual({
      caller: { id: acme.userId('owner'), mail: `owner@${acme.name}.test` },
      workspace: acme.id,
      by: 'unknown',
    });
  });

  test("has defaults by the caller's kind where Latchkey has no value", async () => {
    expect((await send('GET', '/api/v2/me', key.value)).body).toEqual({
      caller: { id: 'user_system_api_key', mail: null },
      workspace: acme.id,
      by: 'none',
    });
  });

  test('has items of a list under their own names', async () => {
    const { status, body } = await send('GET', '/api/v2/keys?size=1');
    expect([status, body]).toEqual([200, { keys: [{ keyId: key.id, keyTitle: 'a key' }], next: null }]);
    expect((await send('GET', '/api/v2/keys?search=nothing')).body).toEqual({ keys: [], next: null });
  });

  test('is of the key that the path names', async () => {
    const { body } = await send('GET', `/api/v2/keys/${key.id}`);
    expect(body).toEqual({ keyId: key.id, ends: null });
  });
});

describe('a request', () => {
  test('is sent in the names of the product, with its own status', async () => {
    const sent = { title: 'mine', options: { ips: ['192.0.2.7'] }, lives: '30d' };
    const { status, body } = await send('POST', '/api/v2/keys', owner, sent);
    expect([status, body]).toEqual([
      200,
      { keyId: expect.any(String), keyTitle: 'mine', keyValue: expect.any(String), owner: { kind: 'organization' } },
    ]);
    const { body: shown } = await call(service, 'GET', `/v1/api-keys/${String(body['keyId'])}`, { token: owner });
    expect(shown).toMatchObject({ permission_set: 'read_only', ip_allow_list: ['192.0.2.7'], expires_in_days: 30 });
  });

  test.each([
    ['a missing field', {}, ['title']],
    ["a field of Latchkey's", { label: 'x', title: 'x' }, ['label']],
    ['a field with a constant value', { title: 'x', permission_set: 'full_access' }, ['permission_set']],
    ['a field that is too long', { title: 'x'.repeat(101) }, ['title']],
    ['a field inside of another', { title: 'x', options: { ips: ['nowhere'] } }, ['options.ips.0']],
    ['an unknown field inside of another', { title: 'x', options: { ip: [] } }, ['options.ip']],
    ['fields that exclude each other', { title: 'x', lives: '1d', expires: '2099-01-01T00:00:00Z' }, ['lives']],
    ['a list', [], ['body']],
    ['a name that objects have', '{"title":"x","__proto__":{"x":1}}', ['__proto__']],
  ])('names %s as the product does', async (_what, sent, fields) => {
    const { status, body } = await send('POST', '/api/v2/keys', owner, sent);
    const { error } = body as { error: { code: string; fields: object } };
    expect([status, error.code, Object.keys(error.fields)]).toEqual([400, 'validation_error', fields]);
  });

  test('with another method does what the operation does', async () => {
    const made = await createKey(service, owner);
    expect(await send('POST', `/api/v2/keys/${made.id}/revoke`)).toMatchObject({ status: 200 });
    expect(await send('POST', '/api/v2/verify', SERVICE_TOKEN, { token: made.value })).toMatchObject({
      body: { ok: false, why: 'revoked' },
    });
  });

  test('gets what its caller may get, as at the own route', async () => {
    const other = await service.organizations.add();
    expect(await send('GET', `/api/v2/keys/${key.id}`, await other.session('owner'))).toMatchObject({ status: 410 });
    expect(await send('POST', '/api/v2/keys', key.value, { title: 'x' })).toMatchObject({ status: 403 });
    expect(await send('GET', `/api/v2/me?organization_id=${other.id}`)).toMatchObject({ status: 403 });
    expect(await send('GET', `/api/v2/me?organization_id=${acme.id}`)).toMatchObject({ status: 200 });
    expect(await send('POST', '/api/v2/verify', owner, { token: key.value })).toMatchObject({ status: 403 });
  });

  test('is repeated with its Idempotency-Key, also across both paths', async () => {
    const headers = { 'idempotency-key': 'once', authorization: `Bearer ${owner}`, 'content-type': 'application/json' };
    const ask = async (path: string, sent: object) => {
      const answer = await fetch(`${service.url}${path}`, { method: 'POST', headers, body: JSON.stringify(sent) });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const first = await ask('/api/v2/keys', { title: 'once' });
    expect(await ask('/api/v2/keys', { title: 'once' })).toEqual(first);
    const own = await ask('/v1/api-keys', { label: 'once', permission_set: 'read_only' });
    expect(own).toMatchObject({ status: 201, body: { id: first.body['keyId'], value: first.body['keyValue'] } });
    const other = await ask('/api/v2/keys', { title: 'another' });
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'idempotency_key_reused' } } });
  });
});

describe('an error', () => {
  test('has the envelope, with the members that have no value left out', async () => {
    const { status, body, requestId } = await send('GET', '/api/v2/keys/api_key_none');
    expect([status, body]).toEqual([
      410,
      { success: false, error: { code: 'KEY_GONE', text: 'There is no such key.', id: requestId }, status: 410 },
    ]);
  });

  test("keeps Latchkey's status, code and message where the product has none", async () => {
    const { status, body } = await send('GET', '/api/v2/me', 'sk_0123456789abcdefghijklmn');
    expect([status, body]).toMatchObject([401, { error: { code: 'credential_invalid' }, status: 401 }]);
  });

  test.each([
    ['an unknown path', 'GET', '/api/v2/nothing', undefined, 404],
    ['the base path itself', 'GET', '/api/v2', undefined, 404],
    ['a method that the path does not take', 'DELETE', '/api/v2/me', undefined, 405],
    ['a path that cannot be decoded', 'GET', '/api/v2/keys/%E0%A4%A', undefined, 400],
    ['a body that is no JSON', 'POST', '/api/v2/keys', '{"title":', 400],
    ['a body that is too long', 'POST', '/api/v2/keys', { title: 'x'.repeat(70_000) }, 413],
  ])('has the form for %s', async (_what, method, path, sent, status) => {
    const answer = await send(method, path, owner, sent);
    expect(answer).toMatchObject({ status, body: { success: false, status, error: { id: answer.requestId } } });
  });

  test('has the form when the service fails, and reveals nothing', async () => {
    await service.db.raw('alter table idempotency_keys rename to lost');
    const headers = { 'idempotency-key': 'x', authorization: `Bearer ${owner}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ title: 'x' });
    const failed = await fetch(`${service.url}/api/v2/keys`, { method: 'POST', headers, body });
    await service.db.raw('alter table lost rename to idempotency_keys');
    expect([failed.status, await failed.json()]).toMatchObject([
      500,
      { success: false, error: { code: 'internal_error', text: expect.not.stringMatching(/relation|idempotency/) } },
    ]);
  });

  test("has Latchkey's own form everywhere else", async () => {
    for (const path of ['/api', '/api/v20/me', '/api/V2/me', '/v1/nothing']) {
      const { status, body } = await call(service, 'GET', path, { token: owner });
      expect([status, Object.keys(body)]).toEqual([404, ['error']]);
    }
    const refused = await requestKey(service, key.value);
    expect(refused.status).toBe(403);
  });
});

test('the OpenAPI document has the operations with the names and errors of the product', async () => {
  const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as Document;
  const { post } = document.paths['/api/v2/keys']!;
  expect(post).toMatchObject({
    operationId: 'productCreateApiKey',
    requestBody: { content: { 'application/json': { schema: { required: ['title'], additionalProperties: false } } } },
  });
  expect(Object.keys(post!.requestBody.content['application/json'].schema.properties)).toEqual([
    'title',
    'options',
    'expires',
    'lives',
  ]);
  const shown = document.paths['/api/v2/keys/{keyId}']!.get!;
  expect(shown.parameters.map(({ name }) => name)).toContain('keyId');
  expect(shown.responses['410']).toMatchObject({ description: '`KEY_GONE`' });
  expect(shown.responses['404']).toBeUndefined();
  const listed = document.paths['/api/v2/keys']!.get!;
  expect(listed.parameters.map(({ name }) => name).toSorted()).toEqual(['organization_id', 'search', 'size']);
  expect(document.components.schemas['ProductError']).toMatchObject({
    properties: { success: { const: false }, retryAfter: { type: 'integer' } },
  });
});

type Operation = {
  parameters: { name: string }[];
  requestBody: { content: Record<'application/json', { schema: { properties: object } }> };
  responses: Record<string, object>;
};
type Document = {
  paths: Record<string, Partial<Record<'get' | 'post', Operation>>>;
  components: { schemas: Record<string, object> };
};
