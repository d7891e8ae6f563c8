import type { Knex } from 'knex';
import { connectDatabase } from '../../src/db/connect.ts';

export type Size = { keys: number; events: number; usageRows: number };

/** Keys of each organization of the fill. */
export const KEYS_EACH = 1_000;

/** As the loop leaves them that makes the next months and drops the oldest. */
const PARTITIONS = `
  do $body$
  declare starts timestamptz;
  begin
    for i in -13..3 loop
      starts := date_trunc('month', now(), 'UTC') + make_interval(months => i);
      execute format('create table if not exists %I partition of usage_counts for values from (%L) to (%L)',
        'usage_counts_' || to_char(starts at time zone 'UTC', 'YYYY_MM'), starts, starts + interval '1 month');
    end loop;
  end
  $body$`;

/**
 * Fills a database past everybody: organizations of 1,000 keys each, their people, sessions and outboxes, audit events a
 * fifth of which are one organization's (`large`), and uses over a year.
 */
export async function fill(url: string, large: string, { keys, events, usageRows }: Size): Promise<void> {
  const db = connectDatabase({ url, poolMax: 1, statementTimeoutMs: null });
  const organizations = Math.ceil(keys / KEYS_EACH);
  try {
    // Foreign keys and triggers would look up what was just made.
    await db.raw('set session_replication_role = replica');
    await db.raw(
      `insert into tenants (organization_id, billing_status, created_at, updated_at)
       select 'org_fill' || i, 'active', now() - i * interval '1 minute', now() from generate_series(1, ?::int) i`,
      [organizations],
    );
    const indexes = await dropIndexes(db, 'api_keys');
    await db.raw(
      `insert into api_keys (organization_id, id, workos_id, origin, status, label, metadata, permission_set, scopes, prefix,
         secret_hash, hash_key, created_by_kind, created_by_id, created_at, updated_at, revoked_at, expires_at, owner_user_id)
       select case when i % 1000 = 0 then ? else 'org_fill' || (1 + i % ?::int) end, lpad(i::text, 26, '0'),
         'api_key_' || lpad(i::text, 26, '0'), 'latchkey',
         case when i % 5 = 0 then 'revoked' else 'active' end, 'key ' || i, '{}', 'read_only', '{workspace:read}', 'sk_...' || right(md5(i::text), 4),
         sha256(i::text::bytea), '00000000', 'machine', 'fill', now() - i * interval '1 second', now(),
         case when i % 5 = 0 then now() end, case when i % 7 = 0 then now() + i * interval '1 minute' end,
         case when i % 3 = 0 then 'user_' || (i % 100000) end
       from generate_series(1, ?::int) i`,
      [large, organizations, keys],
    );
    for (const { definition } of indexes) await db.raw(definition);
    await db.raw(
      `insert into audit_events (organization_id, sequence, id, occurred_at, action, actor_kind, actor_id, target_kind,
         target_id, details, hash, link_version, link_key)
       select case when i % 5 = 0 then ? else 'org_fill' || (1 + i % ?::int) end, 1000 + i, 'audit_fill' || i,
         now() - i * interval '1 second', case when i % 1000 = 0 then 'api_key.rotated' else 'api_key.created' end, 'machine', 'client_fill', 'api_key', 'api_key_' || (i % 5000), '{}',
         sha256(i::text::bytea), 2, '00000000'
       from generate_series(1, ?::int) i`,
      [large, organizations, events],
    );
    await db.raw(
      `insert into audit_chain_heads (organization_id, sequence, hash, sealed_sequence)
       select organization_id, max(sequence), sha256(''), max(sequence) from audit_events group by organization_id
       on conflict (organization_id) do update set sequence = excluded.sequence, sealed_sequence = excluded.sequence`,
    );
    await db.raw(PARTITIONS);
    await db.raw(
      `insert into usage_counts (organization_id, key_id, hour, code, count)
       select case when i % 10 = 0 then ? else 'org_fill' || (1 + i % ?::int) end, 'api_key_' || lpad((i % 20000)::text, 26, '0'),
         date_trunc('hour', now()) - (i / 20000 % 365) * interval '1 day' - (i / 7300000) * interval '1 hour', 'valid', 1
       from generate_series(1, ?::int) i on conflict do nothing`,
      [large, organizations, usageRows],
    );
    await db.raw(
      `insert into key_last_uses (organization_id, key_id, used_at)
       select organization_id, workos_id, now() from api_keys where status = 'active'`,
    );
    await db.raw(
      `insert into members (organization_id, user_id, active, roles, member_as_of, created_at, updated_at)
       select 'org_fill' || (1 + i % ?::int), 'user_' || i, true, '{member}', now(), now(), now() from generate_series(1, ?::int) i`,
      [organizations, keys / 10],
    );
    await db.raw(
      `insert into user_sessions (session_id, user_id, organization_id, last_active_at, ended_at, end_reason, workos_revoked_at)
       select 'session_' || i, 'user_' || i, 'org_fill' || (1 + i % ?::int), now(),
         case when i % 2 = 0 then now() end, case when i % 2 = 0 then 'signed_out' end, case when i % 2 = 0 then now() end
       from generate_series(1, ?::int) i`,
      [organizations, keys / 10],
    );
    await db.raw(
      `insert into session_tokens (session_id, user_id, organization_id, token_hash, scopes, issued_at, facts_until)
       select session_id, user_id, organization_id, sha256(session_id::bytea), '{}', last_active_at,
         last_active_at + interval '5 minutes' from user_sessions where ended_at is null`,
    );
    await db.raw(
      `insert into hook_inbox (id, source, event_id, type, organization_id, received_at, outcome, attempts, payload)
       select 'hook_' || lpad(i::text, 26, '0'), 'billing', 'e' || i, 'tenant.billing_updated', 'org_fill' || (1 + i % ?::int),
         now() - i * interval '1 second', 'applied', 1, '{}' from generate_series(1, ?::int) i`,
      [organizations, keys / 20],
    );
    await db.raw(
      `insert into outbox (id, endpoint, organization_id, type, body, status, attempts, created_at, retry_until, ended_at)
       select 'notice_' || lpad(i::text, 26, '0'), case when i % 2 = 0 then 'crm' else 'workos' end,
         case when i % 5 < 2 then ? else 'org_fill' || (1 + i % ?::int) end, 'api_key.created', '{}', 'delivered', 1, now(),
         now(), now() from generate_series(1, ?::int) i`,
      [large, organizations, keys / 4],
    );
    await db.raw('vacuum analyze');
  } finally {
    await db.destroy();
  }
}

/** Millions of rows go in faster without them. */
async function dropIndexes(db: Knex, table: string): Promise<{ definition: string }[]> {
  const { rows } = await db.raw<{ rows: { name: string; definition: string }[] }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
     from pg_index where indrelid = to_regclass(?) and not indisunique`,
    [table],
  );
  for (const { name } of rows) await db.raw(`drop index ${name}`);
  return rows;
}
