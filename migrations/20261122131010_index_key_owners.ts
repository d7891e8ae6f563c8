import type { Knex } from 'knex';

/** Meanwhile keys are read and written as before. */
export const config = { transaction: false };

const INDEX = 'api_keys_owner_everywhere_idx';

export async function up(knex: Knex): Promise<void> {
  // One whose making was interrupted is there, and of no use.
  await knex.raw(`drop index concurrently if exists ${INDEX}`);
  await knex.raw(
    `create index concurrently ${INDEX} on api_keys (owner_user_id)
     where owner_user_id is not null and status in ('provisioning', 'active')`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index if exists ${INDEX}`);
}
