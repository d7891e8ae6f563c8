import type { Knex } from 'knex';

/** Meanwhile keys are read and written as before. */
export const config = { transaction: false };

const INDEX = 'api_keys_ci_expires_at_idx';

export async function up(knex: Knex): Promise<void> {
  // One whose making was interrupted is there, and of no use.
  await knex.raw(`drop index concurrently if exists ${INDEX}`);
  await knex.raw(`create index concurrently ${INDEX} on api_keys (expires_at) where origin = 'ci' and due_at is null`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index if exists ${INDEX}`);
}
