import type { Knex } from 'knex';

/** While it is made, audit events are read and written as before. */
export const config = { transaction: false };

const INDEX = 'audit_events_occurred_at_idx';

export async function up(knex: Knex): Promise<void> {
  // One whose making was interrupted is there, and of no use.
  await knex.raw(`drop index concurrently if exists ${INDEX}`);
  await knex.raw(`create index concurrently ${INDEX} on audit_events (organization_id, occurred_at, sequence)`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index if exists ${INDEX}`);
}
