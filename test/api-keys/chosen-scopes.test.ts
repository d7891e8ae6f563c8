import { describe, expect, test } from 'vitest';
import { call, outcome, verifyKey } from '../support/api.ts';
import type { Answer, CreatedKey } from '../support/api.ts';
import { emptySeed, startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const scope = (name: string, implies?: string[]) => ({
  name,
  description: `May ${name}.`,
  ...(implies && { implies }),
});
const SCOPES = [
  {
    group: 'Evaluations',
    scopes: [scope('eval:manage', ['eval:create', 'eval:read']), scope('eval:create'), scope('eval:read')],
  },
  {
    group: 'The organization',
    scopes: [
      scope('memory.read'),
      scope('apikeys:write', ['apikeys:read']),
      scope('apikeys:read'),
      scope('audit:read'),
      scope('admin:all', ['apikeys:write', 'eval:manage', 'audit:read']),
    ],
  },
];
const CHOSEN = ['eval:manage', 'eval:create', 'eval:read', 'memory.read', 'apikeys:read', 'admin:all'];
const PRODUCT = { scopes: SCOPES, never_granted: ['apikeys:write'], chosen_scopes: CHOSEN };
const seed = {
  ...emptySeed,
  permissions: SCOPES.flatMap(({ scopes }) => scopes).map(({ name }) => ({ slug: name, name })),
  apiKeyPermissions: { organization: CHOSEN },
};
const PLANS = [
  { name: 'standard', key_limit: 10 },
  { name: 'sets_only', key_limit: 10, allowed_permission_sets: ['reader'] },
];
const READER = { name: 'reader', description: 'Reads.', scopes: ['eval:read', 'memory.read'] };
const WRITER = { name: 'writer', description: 'Writes.', scopes: ['eval:manage'] };

const service = await startService(
  {},
  { product: { ...PRODUCT, permission_sets: [], plans: PLANS.slice(0, 1), default_plan: 'standard' }, seed },
);
const either = await startService(
  {},
  { product: { ...PRODUCT, permission_sets: [READER, WRITER], plans: PLANS, default_plan: 'standard' }, seed },
);

const OWNER = ['apikeys:write', 'audit:read', 'eval:manage', 'memory.read'];
type Started = typeof service;
const ask = (
  { url }: Pick<Started, 'url'>,
  token: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Answer> => call({ url }, 'POST', '/v1/api-keys', { token, body: { label: 'a key', ...body }, headers });
const create = (token: string, body: object) => ask(service, token, body);
const fieldsOf = ({ body }: Answer) => Object.keys(body.error.details?.['fields'] as object);
async function owner(on = service, permissions = OWNER) {
  const acme = await on.organizations.add();
  return { acme, token: await acme.session('owner', { permissions }) };
}
async function made(token: string, scopes: string[]): Promise<CreatedKey & { scopes: string[] }> {
  const answer = await create(token, { scopes });
  expect(outcome(answer)).toEqual([201, undefined]);
  return answer.body as unknown as CreatedKey & { scopes: string[] };
}

describe('a key with chosen scopes', () => {
  test('shows no set but the chosen and implied scopes, and has the chosen ones at WorkOS', async () => {
    const { acme, token } = await owner();
    const answer = await create(token, { scopes: ['eval:manage', 'memory.read'] });
    expect(answer.body).toMatchObject({
      permission_set: null,
      scopes: ['eval:manage', 'memory.read'],
      effective_scopes: ['eval:manage', 'memory.read', 'eval:create', 'eval:read'],
      scopes_follow_set: false,
    });
    const { body } = await call(service, 'GET', `/v1/api-keys/${String(answer.body['id'])}`, { token });
    expect(body['effective_scopes']).toEqual(answer.body['effective_scopes']);
    expect((await keysAtWorkos(service, acme.id))[0]?.permissions.toSorted()).toEqual(['eval:manage', 'memory.read']);
  });

  test('verifies for the implied scopes and for no others, and lists all of them', async () => {
    const { token } = await owner();
    const { value } = await made(token, ['eval:manage']);
    const { body } = await verifyKey(service, { key: value, scopes: ['eval:read', 'eval:create'] });
    expect(body).toMatchObject({ code: 'valid', permission_set: null });
    expect(body['scopes']).toEqual(['eval:manage', 'eval:create', 'eval:read']);
    expect((await verifyKey(service, { key: value, scopes: ['memory.read'] })).body['code']).toBe('insufficient_scope');
  });

  test('gets no never_granted scope by implication', async () => {
    const { token } = await owner(service, [...OWNER, 'admin:all']);
    const key = await made(token, ['admin:all']);
    const { body } = await verifyKey(service, { key: key.value, scopes: ['eval:read'] });
    expect(body['code']).toBe('valid');
    expect(body['scopes']).not.toContain('apikeys:write');
    expect((await verifyKey(service, { key: key.value, scopes: ['apikeys:write'] })).body['code']).toBe(
      'insufficient_scope',
    );
    // What a scope that is never granted implies is implied all the same.
    expect(body['scopes']).toContain('apikeys:read');
  });

  test('is audited with its scopes', async () => {
    const { token } = await owner();
    const key = await made(token, ['eval:create']);
    const { body } = await call(service, 'GET', `/v1/audit-events?target_id=${key.id}`, { token });
    expect(body.data[0]).toMatchObject({
      action: 'api_key.created',
      details: { permission_set: null, scopes: ['eval:create'] },
    });
  });

  test('is created once when the request is repeated', async () => {
    const { acme, token } = await owner();
    const again = () => ask(service, token, { scopes: ['eval:read'] }, { 'idempotency-key': 'chosen-once' });
    const [first, second] = [await again(), await again()];
    expect(second.body).toEqual(first.body);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
    const other = await ask(service, token, { scopes: ['memory.read'] }, { 'idempotency-key': 'chosen-once' });
    expect(outcome(other)).toEqual([409, 'idempotency_key_reused']);
  });
});

describe('a key cannot get scopes that its creator does not hold', () => {
  test('returns 403 permission_denied to a person', async () => {
    const { acme, token } = await owner(service, ['apikeys:write', 'eval:read']);
    const refused = await create(token, { scopes: ['eval:read', 'eval:manage', 'memory.read'] });
    expect(outcome(refused)).toEqual([403, 'permission_denied']);
    expect(refused.body.error.details).toEqual({ missing_scopes: ['eval:manage', 'memory.read'] });
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(await service.db('api_keys').where({ organization_id: acme.id })).toEqual([]);
  });

  test('returns 403 permission_denied to a machine', async () => {
    const acme = await service.organizations.add();
    const token = await acme.machineToken('apikeys:write eval:create');
    expect(outcome(await create(token, { scopes: ['eval:create'] }))).toEqual([201, undefined]);
    const refused = await create(token, { scopes: ['eval:manage'] });
    expect(outcome(refused)).toEqual([403, 'permission_denied']);
  });

  test('accepts scopes that the creator holds by implication', async () => {
    const { token } = await owner(service, ['apikeys:write', 'eval:manage']);
    expect((await made(token, ['eval:read', 'eval:create'])).scopes).toEqual(['eval:read', 'eval:create']);
  });

  test('rotates a key only for a caller who holds its scopes', async () => {
    const { acme, token } = await owner();
    const key = await made(token, ['eval:manage']);
    const rotate = (by: string) => call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, { token: by, body: {} });
    const lesser = await acme.session('operator', { permissions: ['apikeys:write', 'eval:create', 'eval:read'] });
    const refused = await rotate(lesser);
    expect(outcome(refused)).toEqual([403, 'permission_denied']);
    expect(refused.body.error.details).toEqual({ missing_scopes: ['eval:manage'] });
    const answer = await rotate(token);
    expect(outcome(answer)).toEqual([201, undefined]);
    expect(answer.body).toMatchObject({ scopes: ['eval:manage'], permission_set: null, rotated_from: key.id });
  });

  test('returns 403 permission_denied to an API key', async () => {
    const { token } = await owner();
    const { value } = await made(token, ['eval:manage']);
    expect(outcome(await create(value, { scopes: ['eval:read'] }))).toEqual([403, 'permission_denied']);
  });
});

describe('POST /v1/api-keys', () => {
  test('gives a caller the scopes that its own imply, at any depth', async () => {
    const { token, acme } = await owner(service, ['admin:all']);
    const audit = (by: string) => call(service, 'GET', '/v1/audit-events', { token: by });
    expect(outcome(await audit(token))).toEqual([200, undefined]);
    expect(outcome(await audit(await acme.machineToken('admin:all')))).toEqual([200, undefined]);
    expect(outcome(await create(token, { scopes: ['eval:create'] }))).toEqual([201, undefined]);
    const { token: less } = await owner(service, ['apikeys:write', 'eval:manage']);
    expect(outcome(await audit(less))).toEqual([403, 'permission_denied']);
  });

  test.each([
    ['nothing', {}, 'scopes'],
    ['no scope', { scopes: [] }, 'scopes'],
    ['one scope twice', { scopes: ['eval:read', 'eval:read'] }, 'scopes'],
    ['a scope that is not to be chosen', { scopes: ['apikeys:write'] }, 'scopes.0'],
    ['an unknown scope', { scopes: ['eval:read', 'eval:destroy'] }, 'scopes.1'],
    ['a pattern', { scopes: ['*'] }, 'scopes.0'],
    ['a text', { scopes: 'eval:read' }, 'scopes'],
    ['null', { scopes: null }, 'scopes'],
    ['more scopes than there are', { scopes: Array.from({ length: 7 }, () => 'eval:read') }, 'scopes'],
    ['a set, where there are none', { scopes: ['eval:read'], permission_set: 'reader' }, 'permission_set'],
  ])('returns 400 validation_error on the field for %s', async (_what, body, field) => {
    const { acme, token } = await owner();
    const refused = await create(token, body);
    expect(outcome(refused)).toEqual([400, 'validation_error']);
    expect(fieldsOf(refused)).toContain(field);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('returns 400 for scopes where none can be chosen', async () => {
    const plain = await startService();
    const acme = await plain.organizations.add();
    const body = { permission_set: 'read_only', scopes: ['workspace:read'] };
    const refused = await ask(plain, await acme.session(), body);
    expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], ['scopes']]);
  });
});

describe('with permission sets configured, too', () => {
  test('accepts a set or scopes, and returns 400 for both or neither', async () => {
    const { token } = await owner(either);
    for (const body of [{}, { permission_set: 'reader', scopes: ['eval:read'] }]) {
      const refused = await ask(either, token, body);
      expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], ['permission_set']]);
    }
    expect((await ask(either, token, { scopes: ['eval:read'] })).body['permission_set']).toBeNull();
    expect((await ask(either, token, { permission_set: 'reader' })).body).toMatchObject({
      permission_set: 'reader',
      scopes: READER.scopes,
    });
  });

  test('accepts a set whose scopes the caller does not hold', async () => {
    const { token } = await owner(either, ['apikeys:write']);
    expect(outcome(await ask(either, token, { permission_set: 'writer' }))).toEqual([201, undefined]);
    expect(outcome(await ask(either, token, { scopes: ['eval:manage'] }))).toEqual([403, 'permission_denied']);
  });

  test('creates and rotates keys with chosen scopes whatever sets the plan includes', async () => {
    const acme = await either.organizations.add({ status: 'active', plan: 'sets_only' });
    const token = await acme.session('owner', { permissions: OWNER });
    expect(outcome(await ask(either, token, { permission_set: 'writer' }))).toEqual([400, 'validation_error']);
    const answer = await ask(either, token, { scopes: ['eval:manage'] });
    expect(outcome(answer)).toEqual([201, undefined]);
    const path = `/v1/api-keys/${String(answer.body['id'])}/rotate`;
    expect(outcome(await call(either, 'POST', path, { token, body: {} }))).toEqual([201, undefined]);
  });
});

describe('GET /v1/api-keys/permissions', () => {
  test('lists what each scope implies and whether the caller can choose it', async () => {
    const { token } = await owner(service, ['apikeys:write', 'eval:create']);
    const { body } = await call(service, 'GET', '/v1/api-keys/permissions', { token });
    expect(body.data.map(({ group }) => group)).toEqual(['Evaluations', 'The organization']);
    const all = body.data.flatMap((group) => group['permissions'] as Record<string, unknown>[]);
    const byName = Object.fromEntries(all.map((permission) => [permission['name'], permission]));
    expect(byName['eval:manage']).toEqual({
      name: 'eval:manage',
      description: 'May eval:manage.',
      implies: ['eval:create', 'eval:read'],
      requires: null,
      grantable: true,
      choosable: false,
    });
    expect(byName['apikeys:write']).toMatchObject({ grantable: false, choosable: false });
    // Held by implication.
    expect(byName['apikeys:read']).toMatchObject({ grantable: true, choosable: true });
    expect(byName['audit:read']).toMatchObject({ grantable: true, choosable: false });
    expect(all.filter(({ choosable }) => choosable).map(({ name }) => name)).toEqual(['eval:create', 'apikeys:read']);
  });
});

describe('GET /openapi.json', () => {
  test('describes only the configured fields', async () => {
    type Document = {
      components: { schemas: Record<string, { properties: Record<string, unknown>; required: string[] }> };
    };
    const bodyOf = async ({ url }: Pick<Started, 'url'>) =>
      ((await (await fetch(`${url}/openapi.json`)).json()) as Document).components.schemas['CreateApiKey']!;
    const chosen = await bodyOf(service);
    expect(chosen.properties['permission_set']).toBeUndefined();
    expect(chosen.required).toEqual(['label', 'scopes']);
    expect(chosen.properties['scopes']).toMatchObject({ items: { enum: CHOSEN }, minItems: 1, uniqueItems: true });
    const both = await bodyOf(either);
    expect(both).toMatchObject({
      required: ['label'],
      oneOf: [{ required: ['permission_set'] }, { required: ['scopes'] }],
    });
    expect(Object.keys(both.properties)).toEqual(expect.arrayContaining(['permission_set', 'scopes']));
  });
});
