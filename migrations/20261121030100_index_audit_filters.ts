import type { Knex } from 'knex';

/** While they are made, audit events are read and written as before. */
export const config = { transaction: false };

const INDEXES = {
  audit_events_target_idx: '(organization_id, target_id, sequence)',
  audit_events_actor_idx: '(organization_id, actor_id, sequence)',
  audit_events_action_idx: '(organization_id, action, sequence)',
  // One runner may have done nearly everything, and hardly ever this.
  audit_events_actor_action_idx: '(organization_id, actor_id, action, sequence)',
  // The last event without a key, when the upgrade is closed. New events are not in it.
  audit_events_unkeyed_idx: '(organization_id, sequence) where link_version = 1',
};

export async function up(knex: Knex): Promise<void> {
  for (const [name, columns] of Object.entries(INDEXES)) {
    // One whose making was interrupted is there, and of no use.
    await knex.raw(`drop index concurrently if exists ${name}`);
    await knex.raw(`create index concurrently ${name} on audit_events ${columns}`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const name of Object.keys(INDEXES)) await knex.raw(`drop index if exists ${name}`);
}
