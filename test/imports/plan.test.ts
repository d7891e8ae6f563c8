import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { OLD, anOldKey, categories, rowOf, startImports, storedKeys } from './imports.ts';

const { service, write, plan, apply } = await startImports();
const acme = await service.organizations.add();
const globex = await service.organizations.add();
const row = (more: object = {}) => rowOf(anOldKey(), acme.id, more);
const past = '2020-01-01T00:00:00Z';

/** Every row that becomes no key, with its category. */
const BAD: readonly [category: string, row: () => object | string][] = [
  ['malformed', () => 'no json'],
  ['malformed', () => '[1, 2]'],
  ['malformed', () => '{"data": [7]}'],
  ['malformed', () => row({ id: undefined })],
  ['malformed', () => row({ id: { $oid: 'x' } })],
  ['malformed', () => row({ id: 'x'.repeat(501) })],
  ['malformed', () => row({ enabled: 'maybe' })],
  ['malformed', () => row({ expires_at: 'tomorrow' })],
  ['malformed', () => row({ scopes: 7 })],
  ['malformed', () => `{"id": "${'x'.repeat(1_100_000)}"}`],
  ['hash_malformed', () => row({ hash: undefined })],
  ['hash_malformed', () => row({ hash: 'abc' })],
  ['unsupported', () => row({ hash: 'pbkdf2_sha256$600000$salt$abcd' })],
  ['unsupported', () => row({ hash: '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA' })],
  ['unsupported', () => row({ hash: '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy' })],
  ['hash_malformed', () => row({ hash: createHash('sha512').update('x').digest('hex') })],
  ['unknown_organization', () => row({ organization: undefined })],
  ['unknown_organization', () => row({ organization: 'ws_7' })],
  ['unknown_organization', () => row({ organization: 'org_never_seen' })],
  ['unmapped_scope', () => row({ scopes: [] })],
  ['unmapped_scope', () => row({ scopes: 'write' })],
  ['unmapped_scope', () => row({ scopes: 'audit' })],
  ['never_granted', () => row({ scopes: 'money' })],
  ['expired', () => row({ expires_at: past })],
  ['disabled', () => row({ enabled: false })],
  ['disabled', () => row({ disabled: 1_600_000_000_000 })],
];

describe('a plan', () => {
  test('names each bad row with its line, and writes nothing', async () => {
    const path = write([row(), ...BAD.map(([, bad]) => bad()), row({ scopes: 'all' })]);
    const { rows } = await plan(path);
    const bad = BAD.map(([category], i) => `${i + 2} ${category}`);
    expect(categories(rows)).toEqual(['1 ready', ...bad, `${BAD.length + 2} ready`]);
    expect(rows.slice(1, -1).every(({ reason, key }) => reason !== undefined && key === undefined)).toBe(true);
    expect(await storedKeys(service, acme.id)).toEqual([]);
    expect(await service.db('key_imports')).toEqual([]);
  });

  test('finds rows that repeat an id or a hash, in the file and here', async () => {
    const [first, second, there] = [anOldKey(), anOldKey(), anOldKey()];
    await apply(write([rowOf(there, acme.id)]));
    const { rows } = await plan(
      write([
        rowOf(first, acme.id),
        rowOf({ ...second, id: first.id }, acme.id),
        rowOf({ ...second, hash: first.hash }, acme.id),
        rowOf(there, acme.id),
        rowOf({ ...anOldKey(), hash: there.hash }, acme.id),
        rowOf(there, acme.id),
        rowOf({ ...anOldKey(), id: there.id }, globex.id),
      ]),
    );
    expect(categories(rows)).toEqual([
      '1 ready',
      '2 duplicate',
      '3 collision',
      '4 already',
      '5 collision',
      '6 duplicate',
      '7 duplicate',
    ]);
    const moved = await plan(write([rowOf(there, globex.id)]));
    expect(moved.rows).toMatchObject([{ category: 'collision', reason: `it was imported for ${acme.id}` }]);
  });

  test('names organizations that would have more keys than their plan', async () => {
    const full = await service.organizations.add();
    for (let i = 0; i < 4; i++) await createKey(service, await full.session());
    const keys = Array.from({ length: 8 }, () => rowOf(anOldKey(), full.id));
    const { overQuota } = await plan(write([...keys, row()]));
    expect(overQuota).toEqual([{ organizationId: full.id, keys: 12, limit: 10 }]);
  });

  test('stops between batches', async () => {
    const path = write([row(), row()]);
    expect(await plan(path, { signal: AbortSignal.abort() })).toEqual({ overQuota: undefined, rows: [] });
  });

  test('reads CSV with quotes, line ends in cells, and a byte order mark', async () => {
    const [a, b] = [anOldKey(), anOldKey()];
    const path = write(
      [
        '\uFEFFid,hash,organization,label,scopes,expires_at\r',
        `${a.id},${a.hash},${acme.id},"one, ""quoted""\nand more","read work",\r`,
        `${b.id},${b.hash},${acme.id},b,read,2099-01-01 00:00:00+00`,
        'too,few',
        `x,${b.hash},${acme.id},"open,read,`,
      ],
      'csv',
    );
    const { rows } = await plan(path);
    expect(categories(rows)).toEqual(['2 ready', '4 ready', '5 malformed', '6 malformed']);
    expect(rows.slice(0, 2).map(({ key }) => key!)).toMatchObject([
      { label: 'one, "quoted" and more', permissionSet: 'submit_observe', expiresAt: undefined },
      { permissionSet: 'read_only', expiresAt: new Date('2099-01-01T00:00:00Z') },
    ]);
  });

  test('reads hashes in hexadecimal digits, base64 and base64url', async () => {
    const keys = Array.from({ length: 5 }, () => anOldKey());
    const encodings = ['hex', 'base64', 'base64url'] as const;
    const encoded = keys.flatMap((key) =>
      encodings.map((encoding, i) =>
        rowOf({ ...key, id: `${key.id}${i}`, hash: Buffer.from(key.hash, 'hex').toString(encoding) }, acme.id),
      ),
    );
    const { rows } = await plan(write(encoded));
    expect(rows.map(({ category }) => category)).toEqual(keys.flatMap(() => ['ready', 'collision', 'collision']));
  });

  test('gives a key the earlier of its own expiry and that of the import', async () => {
    const rule = { ...OLD, until: '2090-01-01T00:00:00Z' };
    const path = write([row(), row({ expires_at: '2080-01-01T00:00:00Z' }), row({ expires_at: 4_000_000_000 })]);
    const { rows } = await plan(path, { rule });
    expect(rows.map(({ key }) => key!.expiresAt?.toISOString())).toEqual([
      '2090-01-01T00:00:00.000Z',
      '2080-01-01T00:00:00.000Z',
      '2090-01-01T00:00:00.000Z',
    ]);
  });
});

const owned = (organization: string) => rowOf(anOldKey(), organization, { scopes: null });

describe('a mapping', () => {
  test.each([
    ['permission_sets: { read: nothing }', "permission_sets.read: 'nothing' is not among the permission sets"],
    ['default_permission_set: nothing', "default_permission_set: 'nothing' is not among the permission sets"],
    ["scopes: { a: ['b:c'] }", "scopes.a: 'b:c' is not among the scopes"],
    ['organizations: { a: b }', 'organizations.a: must be the id of a WorkOS organization'],
    ['owner: me', 'Unrecognized key'],
    ['{', 'cannot be used'],
  ])('is refused: %s', async (mapping, message) => {
    await expect(plan(write([]), { mapping })).rejects.toThrow(message);
  });

  test('leads owners of the other system to organizations', async () => {
    const mapping = `default_permission_set: read_only\norganizations: { ws_1: ${acme.id} }`;
    const { rows } = await plan(write([owned('ws_1'), owned('ws_2'), owned(acme.id), owned('__proto__')]), { mapping });
    expect(categories(rows)).toEqual([
      '1 ready',
      '2 unknown_organization',
      '3 unknown_organization',
      '4 unknown_organization',
    ]);
    expect(rows[0]!.key!.organizationId).toBe(acme.id);
  });
});
