import { createHmac } from 'node:crypto';
import type { Knex } from 'knex';
import { connectDatabase } from '../src/db/connect.ts';
import type { KeptHash } from '../src/api-keys/key.ts';
import type { Lifetime } from '../src/process/shutdown.ts';
import { deriveKeys } from '../src/secrets.ts';
import { makeKeyHasher } from '../src/verification/hmac/key-hasher.ts';
import { emptyDatabase } from './database.ts';

const ORGANIZATIONS = 1_000;
const BATCH = 20_000;

/** Returns the secret of the key with this number, so that a million secrets need no memory. */
export function secretOf(index: number): string {
  return `sk_${createHmac('sha256', 'bench').update(`${index}`).digest('base64url')}`;
}

/** Creates a mirror of so many keys in 1,000 organizations, by SQL alone, for a service with this LATCHKEY_SECRET. */
export async function filledDatabase(
  lifetime: Lifetime,
  { serverUrl, secret, keys }: { serverUrl: string; secret: string; keys: number },
): Promise<string> {
  const url = await emptyDatabase(lifetime, serverUrl);
  const hasher = makeKeyHasher(deriveKeys({ secret, previousSecrets: [] }, 'api key hash'));
  const db = connectDatabase({ url, poolMax: 1, statementTimeoutMs: null });
  // Without foreign keys: every row's organization was just inserted, and a million look-ups are saved.
  await db.raw('set session_replication_role = replica');
  await insertTenants(db);
  for (let from = 0; from < keys; from += BATCH) {
    const kept = Array.from({ length: Math.min(BATCH, keys - from) }, (_, i) => hasher.keep(secretOf(from + i)));
    await insertKeys(db, from, kept);
  }
  // As autovacuum leaves a database that has been in use.
  await db.raw('vacuum analyze');
  await db.destroy();
  return url;
}

async function insertTenants(db: Knex): Promise<void> {
  await db.raw(
    `insert into tenants (organization_id, billing_status, created_at, updated_at)
     select 'org_' || i, 'active', now(), now() from generate_series(0, ? - 1) as i`,
    [ORGANIZATIONS],
  );
}

async function insertKeys(db: Knex, from: number, kept: readonly KeptHash[]): Promise<void> {
  await db.raw(
    `insert into api_keys (organization_id, id, workos_id, origin, status, label, metadata, permission_set, scopes,
       prefix, secret_hash, hash_key, created_by_kind, created_by_id, created_at, updated_at)
     select 'org_' || (i % ${ORGANIZATIONS}), lpad(i::text, 26, '0'), 'api_key_' || lpad(i::text, 26, '0'), 'latchkey',
       'active', 'key ' || i, '{}', 'read_only', '{workspace:read,audit:read}', 'sk_...bench', hash, ?, 'machine', 'bench',
       now(), now()
     from (select ?::int + ordinality - 1 as i, hash from unnest(?::bytea[]) with ordinality as given (hash, ordinality)) as keys`,
    [kept[0]!.hmacKeyId, from, kept.map(({ secretHash }) => secretHash)],
  );
}
