import { createHmac } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import type { Knex } from 'knex';
import { connectDatabase } from '../src/db/connect.ts';
import type { Lifetime } from '../src/process/shutdown.ts';
import { deriveKeys, keyIdOf } from '../src/secrets.ts';
import { emptyDatabase } from './database.ts';

/** The keys of each organization, in a mirror of any size. */
export const KEYS_EACH = 1_000;
const BATCH = 1_000_000;
const BLOCK_BYTES = 64;
const GB = 1e9;
/** With its indexes, and with what PostgreSQL writes for a while to make them. */
const DISK_BYTES_PER_KEY = 1_400;

/** Returns the secret of the key with this number, so that a million secrets need no memory. */
export function secretOf(index: number): string {
  return `sk_${createHmac('sha256', 'bench').update(`${index}`).digest('base64url')}`;
}

/** Returns the id of an organization's key; `place`: from 0, oldest first. */
export function idOf(organization: number, place: number, organizations: number): string {
  return `api_key_${`${place * organizations + organization}`.padStart(26, '0')}`;
}

export const organizationsOf = (keys: number): number => Math.ceil(keys / KEYS_EACH);

/**
 * Creates a mirror of so many keys, 1,000 in each organization `org_bench…`, by SQL alone, for a service with this
 * LATCHKEY_SECRET. @throws Error where the disk has no room for it
 */
export async function filledDatabase(
  lifetime: Lifetime,
  { serverUrl, secret, keys }: { serverUrl: string; secret: string; keys: number },
): Promise<string> {
  const url = await emptyDatabase(lifetime, serverUrl);
  const db = connectDatabase({ url, poolMax: 1, statementTimeoutMs: null });
  await assertRoom(db, keys);
  // Without foreign keys: every row's organization was just inserted, and a million look-ups are saved.
  await db.raw(
    "set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '512MB'",
  );
  await insertTenants(db, organizationsOf(keys));
  const restore = await withoutIndexes(db);
  for (let from = 0; from < keys; from += BATCH) await insertKeys(db, secret, { keys, from });
  for (const statement of restore) await db.raw(statement);
  // As autovacuum leaves a database that has been in use.
  await db.raw('vacuum analyze');
  await db.destroy();
  return url;
}

async function assertRoom(db: Knex, keys: number): Promise<void> {
  const { rows } = await db.raw<{ rows: { data_directory: string }[] }>('show data_directory');
  const disk = await statfs(rows[0]!.data_directory).catch(() => undefined);
  // The server may be on another machine, or another user's.
  if (!disk) return;
  const [needed, free] = [keys * DISK_BYTES_PER_KEY, disk.bavail * disk.bsize];
  if (free > needed) return;
  throw new Error(`${keys} keys need ${gb(needed)} GB of disk, and ${gb(free)} GB are free`);
}

function gb(bytes: number): string {
  return (bytes / GB).toFixed(1);
}

async function insertTenants(db: Knex, organizations: number): Promise<void> {
  await db.raw(
    `insert into tenants (organization_id, billing_status, created_at, updated_at)
     select 'org_bench' || i, 'active', now(), now() from generate_series(0, ? - 1) as i`,
    [organizations],
  );
}

/** Drops what is faster to make after the rows. @returns the statements that make it again */
async function withoutIndexes(db: Knex): Promise<string[]> {
  const { rows: uniques } = await db.raw<{ rows: { name: string; definition: string }[] }>(
    `select conname as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where conrelid = 'api_keys'::regclass and contype = 'u'`,
  );
  for (const { name } of uniques) await db.raw('alter table api_keys drop constraint ??', [name]);
  const { rows: indexes } = await db.raw<{ rows: { name: string; definition: string }[] }>(
    `select indexname as name, indexdef as definition
     from pg_indexes where tablename = 'api_keys' and indexname <> 'api_keys_pkey'`,
  );
  for (const { name } of indexes) await db.raw('drop index ??', [name]);
  return [
    ...uniques.map(({ name, definition }) => `alter table api_keys add constraint ${name} ${definition}`),
    ...indexes.map(({ definition }) => definition),
  ];
}

async function insertKeys(db: Knex, secret: string, { keys, from }: { keys: number; from: number }): Promise<void> {
  const [hmacKey] = deriveKeys({ secret, previousSecrets: [] }, 'api key hash');
  const [inner, outer] = padsOf(hmacKey);
  const [secretInner, secretOuter] = padsOf(Buffer.from('bench'));
  const organizations = organizationsOf(keys);
  await db.raw(
    `insert into api_keys (organization_id, id, workos_id, origin, status, label, metadata, permission_set, scopes,
       prefix, secret_hash, hash_key, created_by_kind, created_by_id, created_at, updated_at)
     select 'org_bench' || (i % :organizations), number, 'api_key_' || number, 'latchkey', 'active',
       'key ' || (i / :organizations), '{}', 'read_only', '{workspace:read,audit:read}', 'sk_...bench',
       sha256(:outer || sha256(:inner || convert_to(secret, 'UTF8'))), :hmacKeyId, 'machine', 'bench', made_at, made_at
     from (
       select i, lpad(i::text, 26, '0') as number, now() - make_interval(secs => (:keys - i) / 1000.0) as made_at,
         'sk_' || rtrim(translate(encode(
           sha256(:secretOuter || sha256(:secretInner || convert_to(i::text, 'UTF8'))), 'base64'), '+/', '-_'), '=') as secret
       from generate_series(:from::bigint, :to::bigint) as i
     ) as made`,
    {
      organizations,
      inner,
      outer,
      hmacKeyId: keyIdOf(hmacKey),
      keys,
      secretInner,
      secretOuter,
      from,
      to: Math.min(from + BATCH, keys) - 1,
    },
  );
}

/** Returns a key's two paddings of HMAC-SHA-256 (RFC 2104). */
function padsOf(key: Buffer): [inner: Buffer, outer: Buffer] {
  const padded = (pad: number) => Buffer.alloc(BLOCK_BYTES, key, 'binary').map((_, i) => (key[i] ?? 0) ^ pad);
  return [Buffer.from(padded(0x36)), Buffer.from(padded(0x5c))];
}
