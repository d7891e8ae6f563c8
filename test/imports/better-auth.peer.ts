import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, inject, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import type { Judged } from '../../src/imports/category.ts';
import { readTable } from '../../src/imports/sources/read-table.ts';
import type { ImportRule } from '../../src/product/imports/import-rules.ts';
import { verifyKey } from '../support/api.ts';
import { withDatabase } from '../support/database-url.ts';
import { OLD, startImports } from './imports.ts';

// The keys of Better Auth's own plugin, made by its API in its database and never seen by Latchkey but as hashes.
const PEERS = join(import.meta.dirname, '..', '..', 'bench', 'peers');
const template = inject('template');
if (template.kind !== 'server') throw new Error('the peers need TEST_DATABASE_URL, a PostgreSQL server');

const rule: ImportRule = {
  ...OLD,
  name: 'better-auth',
  prefix: undefined,
  characters: 'letters',
  min_length: 64,
  max_length: 64,
};
const shop: ImportRule = {
  ...OLD,
  name: 'shop',
  prefix: 'shop_',
  characters: 'letters',
  min_length: 69,
  max_length: 69,
};

type Kind =
  | 'plain'
  | 'other_owner'
  | 'without_name'
  | 'expiring'
  | 'without_permissions'
  | 'unmapped'
  | 'prefixed'
  | 'credits'
  | 'disabled'
  | 'expired';
type Made = {
  made: Record<Kind, { id: string; key: string; expiresAt: string | null }>;
  verdicts: Record<Kind, boolean>;
  owners: { ada: string; grace: string };
};

const url = await emptyDatabase(template.url);
const theirs = makeTheirKeys();
const database = connectDatabase({ url, poolMax: 1 });
afterAll(() => database.destroy());
const { service, write, parts, apply } = await startImports([rule, shop]);
const [acme, globex] = [await service.organizations.add(), await service.organizations.add()];
const MAPPING = `
source: better-auth
organizations: { ${theirs.owners.ada}: ${acme.id}, ${theirs.owners.grace}: ${globex.id} }
scopes: { 'workspace:read': ['workspace:read'], 'audit:read': ['audit:read'] }
default_permission_set: read_only
`;

async function emptyDatabase(server: string): Promise<string> {
  const name = `latchkey_peer_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url: server, poolMax: 1 });
  await admin.raw('create database ??', [name]);
  afterAll(async () => {
    await admin.raw('drop database if exists ?? with (force)', [name]);
    await admin.destroy();
  });
  return withDatabase(server, name);
}

function makeTheirKeys(): Made {
  if (!existsSync(join(PEERS, 'node_modules', 'better-auth')))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PEERS, stdio: 'ignore' });
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: url };
  const printed = execFileSync(process.execPath, ['better-auth-keys.mjs'], { cwd: PEERS, env, encoding: 'utf8' });
  return JSON.parse(printed) as Made;
}

/** The category of each kind of key. */
function byKind(rows: readonly Judged[]): Partial<Record<Kind, string>> {
  const kinds = new Map(Object.entries(theirs.made).map(([kind, { id }]) => [id, kind]));
  return Object.fromEntries(rows.map(({ sourceId, category }) => [kinds.get(sourceId!), category]));
}

const KEPT = ['plain', 'other_owner', 'without_name', 'expiring', 'without_permissions'] as const;
const EXPECTED = {
  ...Object.fromEntries(KEPT.map((kind) => [kind, 'ready'])),
  unmapped: 'unmapped_scope',
  prefixed: 'unsupported',
  credits: 'unsupported',
  disabled: 'disabled',
  expired: 'expired',
};

/** As `psql -At -c "select row_to_json(a) from apikey a"` writes the table. */
async function exported(where = 'true'): Promise<string> {
  const { rows } = await database.raw<{ rows: { row: string }[] }>(
    `select row_to_json(a)::text as row from apikey a where ${where}`,
  );
  return write(rows.map(({ row }) => row));
}

test("reads Better Auth's table from its database, page by page", async () => {
  const rows: Judged[] = [];
  await parts.plan({
    rule,
    rows: readTable(database, { table: 'apikey', id: 'id' }),
    judgeRow: parts.judgeRowOf(rule, parts.parseMapping(MAPPING, 'mapping.yaml')),
    onBatch: (judged) => void rows.push(...judged),
    signal: new AbortController().signal,
  });
  expect(byKind(rows)).toEqual(EXPECTED);
});

test('imports an export of the table, and verifies what Better Auth verifies', async () => {
  const { rows } = await apply(await exported(), { rule, mapping: MAPPING });
  expect(byKind(rows)).toEqual(EXPECTED);
  for (const kind of KEPT) {
    const { body } = await verifyKey(service, { key: theirs.made[kind].key, scopes: ['workspace:read'] });
    expect([kind, body['valid']]).toEqual([kind, theirs.verdicts[kind]]);
    expect(body['organization_id']).toBe(kind === 'other_owner' ? globex.id : acme.id);
  }
  for (const kind of ['unmapped', 'prefixed', 'credits', 'disabled', 'expired'] as const)
    expect((await verifyKey(service, { key: theirs.made[kind].key })).body).toMatchObject({ code: 'not_found' });
});

test('takes over label, expiry and rate limit', async () => {
  const answer = (kind: Kind) => verifyKey(service, { key: theirs.made[kind].key });
  expect((await answer('plain')).body).toMatchObject({ label: 'plain', permission_set: 'read_only' });
  const expiry = Date.parse(String((await answer('expiring')).body['expires_at']));
  expect(expiry).toBe(Date.parse(theirs.made.expiring.expiresAt!));
  const codes = [(await answer('plain')).body['code'], (await answer('plain')).body['code']];
  expect(codes).toContain('rate_limited');
});

test('imports keys with a prefix by an import of their own, and a replica that knew none learns of them', async () => {
  const replica = await service.replica();
  const answer = async () => (await verifyKey(replica, { key: theirs.made.prefixed.key })).body['code'];
  expect(await answer()).toBe('not_found');
  const path = await exported("prefix = 'shop_'");
  const { rows } = await apply(path, { rule: shop, mapping: MAPPING });
  expect(byKind(rows)).toEqual({ prefixed: 'ready' });
  // Far sooner than the 30 seconds for which it would remember the key as unknown.
  await expect.poll(answer, { timeout: 5_000 }).toBe('valid');
});

test('names keys that are kept in plain text', async () => {
  const path = write([JSON.stringify({ id: 'p', key: theirs.made.plain.key, referenceId: theirs.owners.ada })]);
  const { rows } = await apply(path, { rule, mapping: MAPPING });
  expect(rows).toMatchObject([{ category: 'hash_malformed' }]);
});
