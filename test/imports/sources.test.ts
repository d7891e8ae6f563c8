import { createHash } from 'node:crypto';
import { expect, describe, test } from 'vitest';
import { makeImportedForm } from '../../src/api-keys/format/imported-form.ts';
import { makeHashRow } from '../../src/imports/hash-rows.ts';
import type { HashedRow } from '../../src/imports/hash-rows.ts';
import { readLines } from '../../src/imports/sources/read-lines.ts';
import { readRows } from '../../src/imports/sources/read-rows.ts';
import type { ImportRule } from '../../src/product/imports/import-rules.ts';
import { verifyKey } from '../support/api.ts';
import { OLD, anOldKey, categories, startImports } from './imports.ts';

const clerk: ImportRule = { ...OLD, name: 'clerk', prefix: 'ak_', characters: 'word' };
const zuplo: ImportRule = { ...OLD, name: 'zuplo', prefix: 'zpka_', characters: 'word' };
const noSecret = () => Buffer.alloc(0);
const { service, write, apply, plan, parts } = await startImports([OLD, clerk, zuplo]);
const acme = await service.organizations.add();

const base64Of = (secret: string) => createHash('sha256').update(secret).digest('base64');
const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];

/** The rows that `import hash` prints. */
async function hashed(path: string, rule: ImportRule, mapping: string): Promise<HashedRow[]> {
  const hashRow = makeHashRow(makeImportedForm(rule, noSecret), rule, parts.parseMapping(mapping, 'mapping.yaml'));
  const rows: HashedRow[] = [];
  for await (const row of readRows(path, 'ndjson')) rows.push(hashRow(row));
  return rows;
}

// The columns of its schema, as MySQL's JSON has them.
function dumped(more: object = {}) {
  const { id, secret } = anOldKey();
  const row = {
    id,
    key_auth_id: 'ks_1',
    hash: base64Of(secret),
    start: secret.slice(0, 9),
    workspace_id: 'ws_1',
    name: null,
    owner_id: null,
    identity_id: 'id_1',
    meta: '{"a":1}',
    enabled: 1,
    expires: null,
    created_at_m: 1_700_000_000_000,
    deleted_at_m: null,
    remaining_requests: null,
    refill_amount: null,
    ratelimit_limit: 10,
    ratelimit_duration: 1_000,
    environment: null,
    pending_migration_id: null,
    permissions: 'workspace.read,tasks.read',
    ...more,
  };
  return { secret, row };
}

describe("a dump of Unkey's table `keys`", () => {
  const mapping = `
source: unkey
organizations: { id_1: ${acme.id} }
permission_sets: { 'tasks.read workspace.read': read_only }`;
  test('is imported by its hashes in base64, with the rate limits', async () => {
    const { secret, row } = dumped();
    const { rows } = await apply(write([row]), { mapping });
    expect(rows).toMatchObject([
      {
        category: 'ready',
        key: {
          permissionSet: 'read_only',
          shown: `${secret.slice(0, 9)}...`,
          rateLimit: { limit: 10, windowSeconds: 1 },
          createdAt: new Date(1_700_000_000_000),
        },
      },
    ]);
    expect(await codeOf(secret)).toBe('valid');
  });

  test('leaves out what is deleted, has credits or still waits for a migration', async () => {
    const rows = [
      dumped({ deleted_at_m: 1_700_000_000_000 }),
      dumped({ enabled: 0 }),
      dumped({ remaining_requests: 0 }),
      dumped({ refill_amount: 100 }),
      dumped({ pending_migration_id: 'migration_1' }),
      dumped({ expires: '2024-01-01 00:00:00.000' }),
      dumped({ identity_id: null, owner_id: null }),
    ];
    expect(categories((await plan(write(rows.map(({ row }) => row)), { mapping })).rows)).toEqual([
      '1 disabled',
      '2 disabled',
      '3 unsupported',
      '4 unsupported',
      '5 unsupported',
      '6 expired',
      '7 unknown_organization',
    ]);
  });
});

describe('answers of APIs with secrets', () => {
  test('of Clerk are hashed on the machine that has them, and imported', async () => {
    const mapping = `source: clerk\norganizations: { org_2abc: ${acme.id} }\nscopes: { 'read:all': ['workspace:read', 'audit:read'] }`;
    const secret = `ak_${'s'.repeat(40)}`;
    const page = [
      {
        object: 'api_key',
        id: 'ak_1',
        subject: 'org_2abc',
        name: 'CI',
        scopes: ['read:all'],
        revoked: false,
        expiration: null,
        created_at: 1_700_000_000_000,
        secret,
      },
      {
        object: 'api_key',
        id: 'ak_2',
        subject: 'org_2abc',
        name: 'old',
        scopes: [],
        revoked: true,
        expiration: null,
        created_at: 1,
        secret: `${secret}2`,
      },
      { object: 'api_key', id: 'ak_3', subject: 'org_2abc', name: 'without', scopes: [], revoked: false },
    ];
    const rows = await hashed(write([{ data: page, total_count: 3 }]), clerk, mapping);
    expect(rows[2]).toEqual({ line: 1, fault: 'it has no secret of the form that the import has' });
    const out = rows.flatMap((row) => ('row' in row ? [row.row] : []));
    expect(JSON.stringify(out)).not.toContain(secret);
    const { rows: applied } = await apply(write(out), { rule: clerk, mapping });
    expect(categories(applied)).toEqual(['1 ready', '2 disabled']);
    expect(applied[0]!.key).toMatchObject({ label: 'CI', shown: 'ak_ssss...' });
    expect(await codeOf(secret)).toBe('valid');
  });

  test('of Zuplo are a row for each key of a consumer', async () => {
    const mapping = `source: zuplo\norganizations: { shop: ${acme.id} }\ndefault_permission_set: read_only`;
    const secrets = [`zpka_${'a'.repeat(32)}_0a1b2c3d`, `zpka_${'b'.repeat(32)}_0a1b2c3d`];
    const apiKeys = secrets.map((key, i) => ({
      id: `key_${i}`,
      key,
      createdOn: '2026-01-01T00:00:00.000Z',
      expiresOn: null,
    }));
    const consumer = { id: 'csmr_1', name: 'shop', metadata: {}, apiKeys };
    const rows = await hashed(write([{ data: [consumer], limit: 1000, offset: 0 }]), zuplo, mapping);
    const out = rows.flatMap((row) => ('row' in row ? [row.row] : []));
    expect(JSON.stringify(out)).not.toContain('aaaa_');
    const { rows: applied } = await apply(write(out), { rule: zuplo, mapping });
    expect(applied.map(({ category, key }) => [category, key?.label])).toEqual([
      ['ready', 'shop'],
      ['ready', 'shop'],
    ]);
    expect(await Promise.all(secrets.map(codeOf))).toEqual(['valid', 'valid']);
  });

  test('of Better Auth without hashes are hashed in their place', async () => {
    const { id, secret } = anOldKey();
    const mapping = `source: better-auth\norganizations: { u1: ${acme.id} }\ndefault_permission_set: read_only`;
    const rows = await hashed(write([{ id, key: secret, referenceId: 'u1', start: null }]), OLD, mapping);
    const out = rows.flatMap((row) => ('row' in row ? [row.row] : []));
    expect(categories((await apply(write(out), { mapping })).rows)).toEqual(['1 ready']);
    expect(await codeOf(secret)).toBe('valid');
  });

  test('never print a secret that another field repeats', async () => {
    const { secret } = anOldKey();
    const rows = await hashed(write([{ id: '1', secret, copy: { of: [secret] }, label: 'kept' }]), OLD, '');
    expect(rows).toEqual([
      {
        line: 1,
        row: {
          id: '1',
          label: 'kept',
          start: secret.slice(0, 9),
          hash: createHash('sha256').update(secret).digest('hex'),
        },
      },
    ]);
  });
});

describe('the lines of a file', () => {
  test('are whole wherever its pieces end, in any characters', async () => {
    const texts = Array.from({ length: 400 }, (_, i) => '鍵'.repeat((i * 37) % 1_500));
    const lines: (string | undefined)[] = [];
    for await (const { line, text } of readLines(write(texts))) {
      expect(line).toBe(lines.length + 1);
      lines.push(text);
    }
    expect(lines).toEqual(texts);
  });

  test('are counted on behind one that is too long', async () => {
    const lines: [number, number | undefined][] = [];
    for await (const { line, text } of readLines(write(['a', 'x'.repeat(3_000_000), 'bc'])))
      lines.push([line, text?.length]);
    expect(lines).toEqual([
      [1, 1],
      [2, undefined],
      [3, 2],
    ]);
  });
});
