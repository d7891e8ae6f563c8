import type { Knex } from 'knex';

/** While they are made, keys are read and written as before. */
export const config = { transaction: false };

/** The orders of the list of keys, besides the one by age. */
const INDEXES = {
  api_keys_organization_id_expires_at_idx: "(organization_id, coalesce(expires_at, 'infinity'), id)",
  api_keys_organization_id_label_idx: '(organization_id, lower(label collate "C"), id)',
};

export async function up(knex: Knex): Promise<void> {
  for (const [name, columns] of Object.entries(INDEXES)) {
    // One whose making was interrupted is there, and of no use.
    await knex.raw(`drop index concurrently if exists ${name}`);
    await knex.raw(`create index concurrently ${name} on api_keys ${columns} where workos_id is not null`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const name of Object.keys(INDEXES)) await knex.raw(`drop index if exists ${name}`);
}
