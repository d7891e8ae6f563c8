import type { Knex } from 'knex';

/** While it is made, webhooks are enqueued and delivered as before. */
export const config = { transaction: false };

// An organization reads its deliveries newest first. What is forwarded to WorkOS Audit Logs is none of them.
const INDEX = 'outbox_watched_idx';

export async function up(knex: Knex): Promise<void> {
  // The last attempts, oldest first. A constant default rewrites no row.
  await knex.raw("alter table outbox add column if not exists recent_attempts jsonb not null default '[]'");
  // One whose making was interrupted is there, and of no use.
  await knex.raw(`drop index concurrently if exists ${INDEX}`);
  await knex.raw(`create index concurrently ${INDEX} on outbox (organization_id, id) where endpoint <> 'workos'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index if exists ${INDEX}`);
  await knex.raw('alter table outbox drop column recent_attempts');
}
