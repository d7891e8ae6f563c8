import type { Knex } from 'knex';

/** Meanwhile keys are read and written as before. */
export const config = { transaction: false };

const INDEX = 'api_keys_locator_idx';

export async function up(knex: Knex): Promise<void> {
  // Until an imported key is first used: a hash with a salt, which finds no key, and the part of the key that does.
  await knex.raw(
    'alter table api_keys add column if not exists locator text, add column if not exists salted_hash text',
  );
  await knex.raw('alter table api_keys drop constraint if exists api_keys_locator_check');
  await knex.raw(`
    alter table api_keys add constraint api_keys_locator_check
      check ((locator is null) = (salted_hash is null) and (locator is null or origin = 'imported')) not valid
  `);
  await knex.raw('alter table api_keys validate constraint api_keys_locator_check');
  // One whose making was interrupted is there, and of no use.
  await knex.raw(`drop index concurrently if exists ${INDEX}`);
  await knex.raw(`create index concurrently ${INDEX} on api_keys (hash_key, locator, id) where locator is not null`);
}

/** Keys that were never used are removed: nothing before this migration could verify them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('delete from api_keys where locator is not null');
  await knex.raw(`drop index if exists ${INDEX}`);
  await knex.raw('alter table api_keys drop column if exists locator, drop column if exists salted_hash');
}
