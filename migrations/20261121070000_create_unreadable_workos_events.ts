import type { Knex } from 'knex';

/** Events of WorkOS of kinds that concern Latchkey and that it could not read: kept until it can. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table unreadable_workos_events (
      environment text not null,
      event_id text not null,
      type text not null,
      body text,
      reason text not null,
      source text not null,
      received_at timestamptz not null,
      tried_at timestamptz not null,
      constraint unreadable_workos_events_pkey primary key (environment, event_id),
      constraint unreadable_workos_events_environment_check check (environment in ('live', 'test')),
      constraint unreadable_workos_events_source_check check (source in ('hook', 'poll'))
    );
    create index unreadable_workos_events_by_tried_at on unreadable_workos_events (tried_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table unreadable_workos_events;');
}
