import type { Knex } from 'knex';

/** Meanwhile keys and audit events are read and written as before. */
export const config = { transaction: false };

const INDEX = 'api_keys_ci_idx';
const ORIGINS = "'latchkey', 'workos'";
const ACTORS = "'user', 'machine', 'api_key', 'service', 'system', 'workos'";

async function allow(knex: Knex, table: string, column: string, values: string): Promise<void> {
  const name = `${table}_${column}_check`;
  await knex.raw(
    `alter table ${table} drop constraint ${name},
       add constraint ${name} check (${column} in (${values})) not valid`,
  );
  await knex.raw(`alter table ${table} validate constraint ${name}`);
}

export async function up(knex: Knex): Promise<void> {
  await allow(knex, 'api_keys', 'origin', `${ORIGINS}, 'ci'`);
  await allow(knex, 'audit_events', 'actor_kind', `${ACTORS}, 'ci'`);
  // One whose making was interrupted is there, and of no use.
  await knex.raw(`drop index concurrently if exists ${INDEX}`);
  await knex.raw(
    `create index concurrently ${INDEX} on api_keys (organization_id, expires_at)
     where origin = 'ci' and status in ('provisioning', 'active')`,
  );
}

/** Keys of CI jobs become plain keys. Audit events of CI jobs stay as they are, and then this fails. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index if exists ${INDEX}`);
  await allow(knex, 'audit_events', 'actor_kind', ACTORS);
  await knex.raw("update api_keys set origin = 'latchkey' where origin = 'ci'");
  await allow(knex, 'api_keys', 'origin', ORIGINS);
}
