import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const service = await startService();

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const REQUEST_ID = expect.stringMatching(/^req_[0-9a-f]{24}$/);
const asOwn = (value: unknown) => Object.entries(value as object);
const WANTED = { label: 'CI runner — staging', permission_set: 'full_access' };
const create = (token: string | undefined, body: unknown) =>
  call(service, 'POST', '/v1/api-keys', { ...(token !== undefined && { token }), body });

const metadataOf = (entries: number) => Object.fromEntries(Array.from({ length: entries }, (_, i) => [`k${i}`, 'v']));

describe('POST /v1/api-keys', () => {
  test('returns 201 with the secret, which no later answer has', async () => {
    const acme = await service.organizations.add();
    const { status, body, headers } = await create(await acme.session('owner'), WANTED);
    expect(status).toBe(201);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      id: expect.stringMatching(/^api_key_\w{26}$/),
      label: 'CI runner — staging',
      prefix: `sk_...${String(body['value']).slice(-4)}`,
      permission_set: 'full_access',
      value: expect.stringMatching(/^sk_\w{30,}$/),
      scopes: ['caps:write', 'workspace:read', 'workspace:write', 'tasks:write', 'audit:read'],
      status: 'active',
      description: null,
      metadata: {},
      environment: 'live',
      owner: { type: 'organization', id: acme.id },
      expires_at: null,
      expires_in_days: null,
      effective_scopes: ['caps:write', 'workspace:read', 'workspace:write', 'tasks:write', 'audit:read'],
      scopes_follow_set: false,
      ip_allow_list: [],
      origin: 'latchkey',
      rate_limit: null,
      concurrency: null,
      rotated_from: null,
      rotated_to: null,
      created_by: { kind: 'user', id: acme.userId('owner'), name: null },
      created_at: TIME,
      updated_at: TIME,
      revoked_at: null,
      suspended_at: null,
      suspended_by: null,
      suspension_reason: null,
      leaked_at: null,
      last_used_at: null,
    });
  });

  test('stores description and metadata unchanged', async () => {
    const acme = await service.organizations.add();
    const extra = { description: 'Two lines:\nand a\ttab.', metadata: { team: 'plat form', empty: '', ключ: '値' } };
    const { body } = await create(await acme.session(), { ...WANTED, ...extra });
    expect(body).toMatchObject(extra);
  });

  test('creates a key for a CI runner with apikeys:write and names it as the creator', async () => {
    const acme = await service.organizations.add();
    const { status, body } = await create(await acme.machineToken('apikeys:write'), WANTED);
    expect(status).toBe(201);
    expect(body['created_by']).toEqual({ kind: 'machine', id: acme.machineClientId, name: null });
  });

  test.each([
    ['full_access', ['audit:read', 'caps:write', 'tasks:write', 'workspace:read', 'workspace:write']],
    ['submit_observe', ['audit:read', 'tasks:write', 'workspace:read', 'workspace:write']],
    ['read_only', ['audit:read', 'workspace:read']],
  ])('gives a %s key exactly the scopes of its set at WorkOS', async (permissionSet, scopes) => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session(), { permission_set: permissionSet });
    const [there] = await keysAtWorkos(service, acme.id);
    expect(there?.id).toBe(key.id);
    expect(there?.permissions.toSorted()).toEqual(scopes);
  });

  test('names the key at WorkOS by its label and the marker of its row', async () => {
    const acme = await service.organizations.add();
    await createKey(service, await acme.session(), { label: 'CI runner — staging' });
    const row = await service.db('api_keys').where({ organization_id: acme.id }).first('id');
    const [there] = await keysAtWorkos(service, acme.id);
    expect(there?.name).toMatch(new RegExp(`^CI runner — staging \\[lk:${row.id}:[0-9a-f]{12}\\]$`));
  });

  test('accepts a label of 100 characters outside the basic plane', async () => {
    const acme = await service.organizations.add();
    const label = '🔑'.repeat(100);
    expect((await createKey(service, await acme.session(), { label })).label).toBe(label);
  });

  test('trims the label', async () => {
    const acme = await service.organizations.add();
    expect((await createKey(service, await acme.session(), { label: '  a b \n' })).label).toBe('a b');
  });

  test("accepts the credential's own organization_id in the body", async () => {
    const acme = await service.organizations.add();
    expect((await create(await acme.session(), { ...WANTED, organization_id: acme.id })).status).toBe(201);
  });

  test.each([
    ['nothing', undefined, { body: expect.any(String) }],
    ['an empty object', {}, { label: expect.any(String), permission_set: expect.any(String) }],
    ['an array', [WANTED], { body: expect.any(String) }],
    ['null', 'null', { body: expect.any(String) }],
    ['broken JSON', '{"label":', { body: 'This is not valid JSON.' }],
    ['an empty label', { ...WANTED, label: '' }, { label: 'This must not be empty.' }],
    ['a label of spaces', { ...WANTED, label: ' \t ' }, { label: 'This must not be empty.' }],
    ['a label of 101 characters', { ...WANTED, label: 'x'.repeat(101) }, { label: 'At most 100 characters.' }],
    ['a label with a line break', { ...WANTED, label: 'a\nb' }, { label: 'Control characters are not allowed.' }],
    ['a label with NUL', { ...WANTED, label: 'a\0b' }, { label: 'Control characters are not allowed.' }],
    [
      'a label with a lone surrogate',
      '{"label":"a\\ud800b","permission_set":"read_only"}',
      { label: expect.any(String) },
    ],
    ['a label that is a number', { ...WANTED, label: 7 }, { label: expect.any(String) }],
    ['an unknown permission set', { ...WANTED, permission_set: 'admin' }, { permission_set: expect.any(String) }],
    [
      'a permission set of the prototype',
      { ...WANTED, permission_set: 'toString' },
      { permission_set: expect.any(String) },
    ],
    ['an unknown field', { ...WANTED, scopes: ['billing:write'] }, { scopes: 'There is no such field.' }],
    [
      'a field __proto__',
      '{"label":"a","permission_set":"read_only","__proto__":{}}',
      { ['__proto__']: 'There is no such field.' },
    ],
    [
      'metadata named __proto__',
      '{"label":"a","permission_set":"read_only","metadata":{"a":"b","__proto__":"c"}}',
      { 'metadata.__proto__': 'This name cannot be used.' },
    ],
    [
      'a label that is turned round',
      { ...WANTED, label: 'safe\u202Egnp.exe' },
      { label: expect.stringMatching(/Invis/) },
    ],
    [
      'a description with tag characters',
      { ...WANTED, description: 'a\u{E0061}' },
      { description: expect.stringMatching(/Invis/) },
    ],
    [
      'a hidden name in metadata',
      { ...WANTED, metadata: { 'a\u200B': 'b' } },
      { 'metadata.a\u200B': expect.any(String) },
    ],
    [
      'a hidden value in metadata',
      { ...WANTED, metadata: { a: '\u2066b' } },
      { 'metadata.a': expect.stringMatching(/Invis/) },
    ],
    [
      'a description of 501 characters',
      { ...WANTED, description: 'x'.repeat(501) },
      { description: 'At most 500 characters.' },
    ],
    ['metadata of 51 entries', { ...WANTED, metadata: metadataOf(51) }, { metadata: 'Give at most 50 entries.' }],
    [
      'metadata with a long value',
      { ...WANTED, metadata: { a: 'x'.repeat(501) } },
      { 'metadata.a': 'At most 500 characters.' },
    ],
    ['metadata with a number', { ...WANTED, metadata: { a: 1 } }, { 'metadata.a': expect.any(String) }],
    [
      'metadata with NUL',
      { ...WANTED, metadata: { a: '\0' } },
      { 'metadata.a': 'Control characters are not allowed.' },
    ],
    [
      'an expiry in the past',
      { ...WANTED, expires_at: '2020-01-01T00:00:00Z' },
      { expires_at: 'This must be in the future.' },
    ],
    [
      'an expiry beyond year 9999',
      { ...WANTED, expires_at: '+010000-01-01T00:00:00Z' },
      { expires_at: expect.any(String) },
    ],
    [
      'an expiry beyond year 9999 in UTC',
      { ...WANTED, expires_at: '9999-12-31T23:59:59-23:00' },
      { expires_at: expect.stringContaining('9999') },
    ],
    [
      'an expiry on a day that is none',
      { ...WANTED, expires_at: '2999-02-30T00:00:00Z' },
      { expires_at: expect.any(String) },
    ],
    [
      'an expiry that is no time',
      { ...WANTED, expires_at: 'tomorrow' },
      { expires_at: expect.stringContaining('ISO 8601') },
    ],
  ])('returns 400 with a message for each field for %s', async (_what, body, fields) => {
    const acme = await service.organizations.add();
    const answer = await create(await acme.session(), body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: {
        code: 'validation_error',
        message: expect.any(String),
        request_id: REQUEST_ID,
        details: expect.any(Object),
      },
    });
    // Compared as entries: a field named __proto__ must be there as any other.
    expect(asOwn(answer.body.error.details?.['fields'])).toEqual(asOwn(fields));
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('returns 401 without a credential', async () => {
    const { status, body } = await create(undefined, WANTED);
    expect(status).toBe(401);
    const details = { credential: 'none' };
    expect(body).toEqual({
      error: { code: 'credential_missing', message: expect.any(String), request_id: REQUEST_ID, details },
    });
  });

  test('returns 401 for a malformed credential', async () => {
    const { status, body } = await create('sk_nobody_ever_made_this_key_0123456789', WANTED);
    expect(status).toBe(401);
    const details = { credential: 'api_key' };
    expect(body).toEqual({
      error: { code: 'credential_invalid', message: expect.any(String), request_id: REQUEST_ID, details },
    });
  });

  test('returns 403 to a person without apikeys:write', async () => {
    const acme = await service.organizations.add();
    const { status, body } = await create(await acme.session('member'), WANTED);
    expect(status).toBe(403);
    expect(body).toEqual({
      error: {
        code: 'permission_denied',
        message: expect.any(String),
        request_id: REQUEST_ID,
        details: { required_scopes: ['apikeys:write'] },
      },
    });
  });

  test('returns 403 for a body that names another organization, existing or not', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    for (const organizationId of [other.id, 'org_that_never_was', '']) {
      const answer = await create(await acme.session(), { ...WANTED, organization_id: organizationId });
      expect(outcome(answer)).toEqual([403, 'permission_denied']);
    }
    expect(await keysAtWorkos(service, other.id)).toEqual([]);
  });

  test('returns 423 billing_inactive when a payment is overdue', async () => {
    const acme = await service.organizations.add({ status: 'past_due' });
    const { status, body } = await create(await acme.session(), WANTED);
    expect(status).toBe(423);
    expect(body).toEqual({
      error: {
        code: 'billing_inactive',
        message: expect.any(String),
        request_id: REQUEST_ID,
        details: { posture: 'past_due' },
      },
    });
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('returns 409 key_limit_reached with the limit at the quota', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    for (let i = 0; i < 10; i++) await createKey(service, owner);
    const { status, body } = await create(owner, WANTED);
    expect(status).toBe(409);
    expect(body).toEqual({
      error: { code: 'key_limit_reached', message: expect.any(String), request_id: REQUEST_ID, details: { limit: 10 } },
    });
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(10);
  });
});
