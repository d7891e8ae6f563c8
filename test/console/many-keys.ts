import type { Knex } from 'knex';

/** Inserts keys whose secrets are unknown, the newest being number 1. */
export async function insertKeys(db: Knex, organizationId: string, count: number): Promise<void> {
  await db.raw(
    `insert into api_keys (organization_id, id, workos_id, origin, status, label, prefix, scopes, permission_set, metadata,
       created_by_kind, created_by_id, created_at, updated_at)
     select :organization, 'key_' || lpad(i::text, 8, '0'), 'api_key_' || lpad(i::text, 8, '0') || :organization, 'workos',
       'active', 'key number ' || i, 'sk_...' || lpad(i::text, 4, '0'), '{workspace:read}', 'read_only', '{}',
       'user', 'user_x', now() - i * interval '1 minute', now()
     from generate_series(1, :count::int) as i`,
    { organization: organizationId, count },
  );
}
