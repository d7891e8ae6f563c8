import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_events (
      organization_id text not null,
      sequence bigint not null,
      id text not null,
      occurred_at timestamptz not null,
      action text not null,
      actor_kind text not null,
      actor_id text not null,
      target_kind text not null,
      target_id text not null,
      request_id text,
      ip text,
      details jsonb not null,
      constraint audit_events_pkey primary key (organization_id, sequence),
      constraint audit_events_id_key unique (id),
      constraint audit_events_actor_kind_check check (actor_kind in ('user', 'machine', 'api_key', 'service', 'system', 'workos'))
    );

    -- The last sequence number of each organization: its row is locked while an event is added.
    create table audit_heads (
      organization_id text not null,
      sequence bigint not null,
      constraint audit_heads_pkey primary key (organization_id)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table audit_heads;
    drop table audit_events;
  `);
}
