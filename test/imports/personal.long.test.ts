import { describe, expect, test } from 'vitest';
import { call, outcome, verifyKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { OLD, anOldKey, categories, rowOf, startImports, storedKeys } from './imports.ts';

const owners = { api_keys: { prefixes: ['sk_'], owners: ['organization' as const, 'user' as const] } };
const testing = { ...OLD, name: 'testing', prefix: 'try_', environment: 'test' as const };
const { service, write, plan, apply } = await startImports([OLD, testing], {}, owners);
const FIELDS = 'fields: { user: person }\ndefault_permission_set: submit_observe\n';
const HELD = ['apikeys:read:own', 'apikeys:write:own', 'workspace:read', 'tasks:write'];
const codeOf = async (key: string, scopes: string[] = []) => (await verifyKey(service, { key, scopes })).body['code'];

async function owned(role: 'owner' | 'member' = 'member') {
  const acme = await service.organizations.add();
  const key = anOldKey();
  const row = (person: string | null, more: object = {}) => rowOf(key, acme.id, { scopes: null, person, ...more });
  return { acme, key, row, userId: acme.userId(role), token: await acme.session(role, { permissions: HELD }) };
}

describe('a row of a user', () => {
  test('becomes a personal key, with what its owner holds', async () => {
    const { acme, key, row, userId } = await owned();
    expect((await apply(write([row(userId)]), { mapping: FIELDS })).rows).toMatchObject([{ category: 'ready' }]);
    expect(await storedKeys(service, acme.id)).toMatchObject([{ owner_user_id: userId, origin: 'imported' }]);
    // Until WorkOS has said what the owner may do, the key grants nothing.
    expect(await codeOf(key.secret, ['workspace:read'])).toBe('insufficient_scope');
    await service.background.runOnce('members');
    expect(await codeOf(key.secret, ['workspace:read'])).toBe('valid');
    expect(await codeOf(key.secret, ['tasks:write'])).toBe('insufficient_scope');
  });

  test('is found by its mapped id, and a row without a user is of the organization', async () => {
    const { acme, row, userId } = await owned();
    const other = anOldKey();
    const mapping = `${FIELDS}users: { 'old user 7': ${userId} }`;
    const rows = [row('old user 7'), rowOf(other, acme.id, { scopes: null })];
    await apply(write(rows), { mapping });
    const stored = await storedKeys(service, acme.id);
    const people = stored.map((each: { owner_user_id: string | null }) => each.owner_user_id);
    expect(new Set(people)).toEqual(new Set([userId, null]));
  });

  test('is refused by its line where the user is unknown or no member', async () => {
    const { acme, row, userId } = await owned();
    const globex = await service.organizations.add();
    const bad = ['user 7', 'user_nobody', globex.userId('owner'), '__proto__'];
    const rows = bad.map((person, i) => ({ ...row(person), id: `r${i}`, hash: anOldKey().hash }));
    const planned = await plan(write([...rows, row(userId)]), { mapping: FIELDS });
    expect(categories(planned.rows)).toEqual([...bad.map((_, i) => `${i + 1} unknown_user`), '5 ready']);
    const mapping = `${FIELDS}users: { a: ${globex.userId('owner')} }`;
    const mapped = await plan(write([row('a'), row('b', { id: 'b', hash: anOldKey().hash })]), { mapping });
    expect(categories(mapped.rows)).toEqual(['1 unknown_user', '2 unknown_user']);
    expect(await storedKeys(service, acme.id)).toEqual([]);
  });

  test('is refused where the import is of test keys', async () => {
    const { acme, userId } = await owned();
    const row = rowOf(anOldKey('try_'), acme.id, { scopes: null, person: userId });
    expect(categories((await plan(write([row]), { mapping: FIELDS, rule: testing })).rows)).toEqual(['1 unsupported']);
  });

  test('does not count towards the quota of the organization', async () => {
    const { acme, userId } = await owned();
    const rows = Array.from({ length: 12 }, () => rowOf(anOldKey(), acme.id, { scopes: null, person: userId }));
    expect((await plan(write(rows), { mapping: FIELDS })).overQuota).toEqual([]);
  });
});

describe('an imported personal key', () => {
  test('ends with the membership of its owner, used before or not', async () => {
    const { key, row, userId, acme } = await owned();
    await apply(write([row(userId)]), { mapping: FIELDS });
    await service.db('members').where({ organization_id: acme.id, user_id: userId }).update({ active: false });
    expect(await codeOf(key.secret)).toBe('revoked');
    // The mirror says when: a membership that ended later than WorkOS's own time of it is not begun again.
    const later = new Date(Date.now() + 3_600_000);
    await service.db('members').where({ organization_id: acme.id, user_id: userId }).update({ member_as_of: later });
    const second = { ...row(userId), id: 'second', hash: anOldKey().hash };
    expect(categories((await apply(write([second]), { mapping: FIELDS })).rows)).toEqual(['1 unknown_user']);
  });

  test('is its owner’s: others neither see nor rotate it, and the owner rotates it into one of WorkOS', async () => {
    const { acme, row, userId, token } = await owned();
    const { rows } = await apply(write([row(userId)]), { mapping: FIELDS });
    const path = `/v1/api-keys/${rows[0]!.keyId}`;
    const other = await acme.session('operator', { permissions: HELD });
    expect(outcome(await call(service, 'GET', path, { token: other }))).toEqual([404, 'api_key_not_found']);
    const admin = await acme.session();
    expect(outcome(await call(service, 'POST', `${path}/rotate`, { token: admin, body: {} }))).toEqual([
      403,
      'permission_denied',
    ]);
    const { body } = await call(service, 'POST', `${path}/rotate`, { token, body: {} });
    expect(body).toMatchObject({ origin: 'latchkey', owner: { id: userId } });
    expect(await codeOf((body as unknown as CreatedKey).value)).toBe('valid');
  });
});

describe('a mapping of users', () => {
  test.each([
    ['users: { a: user_b }', 'users: needs fields.user'],
    [`${FIELDS}users: { a: b }`, 'users.a: must be the id of a WorkOS user'],
  ])('is refused: %s', async (mapping, message) => {
    await expect(plan(write([]), { mapping })).rejects.toThrow(message);
  });

  test('is refused where the product has no personal keys', async () => {
    const without = await startImports([OLD]);
    await expect(without.plan(without.write([]), { mapping: FIELDS })).rejects.toThrow('allows no personal keys');
  });
});
