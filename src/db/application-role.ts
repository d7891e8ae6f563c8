import type { Knex } from 'knex';

/**
 * Repeats what the migrations grant to `latchkey_app`. If the database's owner may not create roles, migrations run
 * without the role, and a later run grants here. A migration that changes a grant changes it here as well;
 * test/db/application-role.long.test.ts compares the two.
 */
const GRANTS = `
  do $body$
  declare
    part text;
  begin
    grant usage on schema public to latchkey_app;
    alter default privileges in schema public grant select, insert, update, delete on tables to latchkey_app;
    grant select, insert, update, delete on all tables in schema public to latchkey_app;
    revoke insert, update, delete on knex_migrations, knex_migrations_lock from latchkey_app;
    revoke update, delete, truncate on audit_events from latchkey_app;
    revoke insert, update, delete on audit_chain_heads, audit_closing_seals from latchkey_app;
    grant execute on function lock_audit_head(text) to latchkey_app;
    grant execute on function append_audit_events(text, jsonb) to latchkey_app;
    grant execute on function mark_audit_heads_sealed(text[], bigint[]) to latchkey_app;
    revoke delete on usage_counts, key_last_uses from latchkey_app;
    for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.usage_counts'::regclass
    loop
      execute format('revoke all on public.%I from latchkey_app', part);
    end loop;
    grant execute on function keep_usage_partitions(integer, integer) to latchkey_app;
  end
  $body$;
`;

const ROLE_MISSING = `The role latchkey_app does not exist, and this user may not create it: the service can only run as the owner of its tables.
Let a user with CREATEROLE run this, then run the migrations again, which grant the role what the service needs:

  create role latchkey_app nologin;
  create role latchkey_service login password '…' in role latchkey_app;
`;

/**
 * Grants the application role its rights if the migrations ran before it existed.
 * @returns instructions for the operator, if the role is missing
 */
export async function grantApplicationRole(db: Knex): Promise<string | undefined> {
  const { rows } = await db.raw<{ rows: { granted: boolean }[] }>(
    "select has_schema_privilege(oid, 'public', 'usage') and has_table_privilege(oid, 'tenants', 'insert') as granted" +
      " from pg_roles where rolname = 'latchkey_app'",
  );
  const [role] = rows;
  if (!role) return ROLE_MISSING;
  if (!role.granted) await db.raw(GRANTS);
  return undefined;
}
