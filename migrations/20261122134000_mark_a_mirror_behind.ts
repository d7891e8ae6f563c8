import type { Knex } from 'knex';

/**
 * A database that committed no beat for a minute was restored from a backup, or everything was stopped: WorkOS may have
 * revoked keys since. The beat that ends such a gap says since when, and no replica answers until WorkOS's events were read.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table invalidation_beats add column behind_since timestamptz;
    -- The 'behind_since' up to which a stream of events has been read.
    alter table event_cursors add column caught_up_from timestamptz;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table event_cursors drop column caught_up_from;
    alter table invalidation_beats drop column behind_since;
  `);
}
