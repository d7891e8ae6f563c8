import type { Knex } from 'knex';

/**
 * Audit events are a chain per organization: each carries a hash over itself and the hash before it. They are
 * append-only for everybody: a trigger refuses updates, deletes and truncation, and the application's role is not
 * granted them at all.
 */
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
      hash bytea not null,
      constraint audit_events_pkey primary key (organization_id, sequence),
      constraint audit_events_id_key unique (id),
      constraint audit_events_actor_kind_check check (actor_kind in ('user', 'machine', 'api_key', 'service', 'system', 'workos'))
    );

    -- The end of each organization's chain: its row is locked while an event is added.
    create table audit_heads (
      organization_id text not null,
      sequence bigint not null,
      hash bytea not null,
      constraint audit_heads_pkey primary key (organization_id)
    );

    create function refuse_audit_change() returns trigger language plpgsql as $body$
    begin
      raise exception 'audit events are append-only' using errcode = 'insufficient_privilege';
    end
    $body$;

    create trigger audit_events_append_only before update or delete on audit_events
      for each row execute function refuse_audit_change();
    create trigger audit_events_no_truncate before truncate on audit_events
      for each statement execute function refuse_audit_change();

    do $body$
    begin
      if exists (select from pg_roles where rolname = 'latchkey_app') then
        revoke update, delete, truncate on audit_events from latchkey_app;
      end if;
    end
    $body$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table audit_heads;
    drop table audit_events;
    drop function refuse_audit_change();
  `);
}
