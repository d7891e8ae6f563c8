import type { Knex } from 'knex';

/**
 * Links of the audit chain become keyed (`link_version` 2, `link_key` says by which key), and the heads change by
 * functions of the owner alone. `audit_heads` stays as a view with its grants: through it the previous release, which
 * knows nothing of keys, goes on writing while replicas are replaced one by one. `npm run audit:close-upgrade` ends that.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Behind a long transaction this gives up, and not the requests that would queue up behind it.
    set local lock_timeout = '3s';
    -- In the order of those who append, who hold a head before they insert.
    lock table audit_heads in access exclusive mode;
    lock table audit_events in access exclusive mode;

    alter table audit_events add column link_version smallint not null default 1;
    alter table audit_events add column link_key text not null default '';

    alter table audit_heads rename to audit_chain_heads;
    -- Up to which event the head was written to a place outside this database.
    alter table audit_chain_heads add column sealed_sequence bigint not null default 0;
    create index audit_chain_heads_unsealed_idx on audit_chain_heads (organization_id) where sequence <> sealed_sequence;
    create view audit_heads as select organization_id, sequence, hash from audit_chain_heads;

    -- What was unkeyed when the upgrade was over, signed by a key that is not here.
    create table audit_closing_seals (
      part integer not null,
      line text not null,
      constraint audit_closing_seals_pkey primary key (part)
    );

    -- Holds the end of an organization's chain until the transaction ends.
    create function lock_audit_head(organization text, out head_sequence bigint, out head_hash bytea)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $body$
    begin
      select h.sequence, h.hash into head_sequence, head_hash
      from public.audit_chain_heads h where h.organization_id = organization for no key update;
      if not found then
        insert into public.audit_chain_heads (organization_id, sequence, hash)
        values (organization, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
        select h.sequence, h.hash into head_sequence, head_hash
        from public.audit_chain_heads h where h.organization_id = organization for no key update;
      end if;
    end
    $body$;

    -- Adds the events that follow the head, all with keyed links, and moves it to the last of them.
    create function append_audit_events(organization text, events jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $body$
    declare
      head_sequence bigint;
      added record;
    begin
      select h.sequence into strict head_sequence
      from public.audit_chain_heads h where h.organization_id = organization for no key update;
      with inserted as (
        insert into public.audit_events (organization_id, sequence, id, occurred_at, action, actor_kind, actor_id,
          target_kind, target_id, request_id, ip, details, hash, link_version, link_key)
        select organization, e.sequence, e.id, e.occurred_at, e.action, e.actor_kind, e.actor_id, e.target_kind,
          e.target_id, e.request_id, e.ip, e.details, decode(e.hash, 'base64'), 2, e.link_key
        from jsonb_to_recordset(events) as e (sequence bigint, id text, occurred_at timestamptz, action text,
          actor_kind text, actor_id text, target_kind text, target_id text, request_id text, ip text, details jsonb,
          hash text, link_key text)
        returning audit_events.sequence, audit_events.hash, audit_events.link_key
      )
      select count(*) as events, min(i.sequence) as first, max(i.sequence) as last,
        (array_agg(i.hash order by i.sequence desc))[1] as hash,
        bool_and(octet_length(i.hash) = 32 and i.link_key ~ '^[0-9a-f]{8}$') as keyed
      into added from inserted i;
      if added.events = 0 or added.first <> head_sequence + 1 or added.last <> head_sequence + added.events
        or not added.keyed then
        raise exception 'audit events must follow the head, with keyed links' using errcode = 'check_violation';
      end if;
      update public.audit_chain_heads h set sequence = added.last, hash = added.hash
      where h.organization_id = organization;
    end
    $body$;

    -- One that somebody appends to meanwhile is left for the next seal.
    create function mark_audit_heads_sealed(organizations text[], sequences bigint[]) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $body$
      with sealed as (
        select h.organization_id, s.sequence
        from unnest(organizations, sequences) as s (organization_id, sequence)
        join public.audit_chain_heads h on h.organization_id = s.organization_id
        where s.sequence between h.sealed_sequence and h.sequence
        order by h.organization_id
        for no key update of h skip locked
      )
      update public.audit_chain_heads h set sealed_sequence = sealed.sequence
      from sealed where h.organization_id = sealed.organization_id
    $body$;

    revoke all on function lock_audit_head(text) from public;
    revoke all on function append_audit_events(text, jsonb) from public;
    revoke all on function mark_audit_heads_sealed(text[], bigint[]) from public;

    do $body$
    begin
      if exists (select from pg_roles where rolname = 'latchkey_app') then
        revoke insert, update, delete on audit_chain_heads from latchkey_app;
        revoke insert, update, delete on audit_closing_seals from latchkey_app;
        grant select, insert, update on audit_heads to latchkey_app;
        grant execute on function lock_audit_head(text) to latchkey_app;
        grant execute on function append_audit_events(text, jsonb) to latchkey_app;
        grant execute on function mark_audit_heads_sealed(text[], bigint[]) to latchkey_app;
      end if;
    end
    $body$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function mark_audit_heads_sealed(text[], bigint[]);
    drop function append_audit_events(text, jsonb);
    drop function lock_audit_head(text);
    drop table audit_closing_seals;
    drop view audit_heads;
    drop index audit_chain_heads_unsealed_idx;
    alter table audit_chain_heads drop column sealed_sequence;
    alter table audit_chain_heads rename to audit_heads;
    alter table audit_events drop constraint if exists audit_events_keyed_check;
    alter table audit_events drop column link_key;
    alter table audit_events drop column link_version;
    do $body$
    begin
      if exists (select from pg_roles where rolname = 'latchkey_app') then
        grant insert on audit_events to latchkey_app;
        grant insert, update, delete on audit_heads to latchkey_app;
      end if;
    end
    $body$;
  `);
}
