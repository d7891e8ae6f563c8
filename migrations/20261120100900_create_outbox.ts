import type { Knex } from 'knex';

/**
 * What is told to others. A notice is a row for each endpoint that wants it, written in the transaction of the change.
 * A lane is one organization at one endpoint: whoever holds it sends its notices one after the other, so that they
 * arrive in order, and a lane that fails holds up no other.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table outbox (
      id text not null,
      endpoint text not null,
      organization_id text not null,
      -- Drawn while the lane's row is locked: the order of a lane is the order of its commits.
      sequence bigint not null generated always as identity,
      type text not null,
      -- Exactly what is sent.
      body text not null,
      status text not null default 'waiting',
      attempts integer not null default 0,
      last_failure text,
      created_at timestamptz not null,
      -- A notice that fails after this is dead.
      retry_until timestamptz not null,
      ended_at timestamptz,
      constraint outbox_pkey primary key (id),
      constraint outbox_status_check check (status in ('waiting', 'delivered', 'dead')),
      constraint outbox_ended_at_check check ((status = 'waiting') = (ended_at is null))
    );
    create index outbox_waiting_idx on outbox (endpoint, organization_id, sequence) where status = 'waiting';
    create index outbox_ended_at_idx on outbox (status, ended_at) where ended_at is not null;

    create table outbox_lanes (
      endpoint text not null,
      organization_id text not null,
      -- When somebody is to look at the lane; null: nothing waits. While it is held, when the holder counts as gone.
      due_at timestamptz,
      -- Grows with every holder, so that one who was taken for gone notices.
      holder bigint not null default 0,
      constraint outbox_lanes_pkey primary key (endpoint, organization_id)
    );
    create index outbox_lanes_due_at_idx on outbox_lanes (endpoint, due_at) where due_at is not null;

    -- Since when an endpoint is told of what the clock brings.
    create table outbox_endpoints (
      name text not null,
      since timestamptz not null,
      constraint outbox_endpoints_pkey primary key (name)
    );

    -- What was told and must not be told again: about what, of which kind, for which end or beginning.
    create table notice_marks (
      organization_id text not null,
      subject text not null,
      kind text not null,
      at timestamptz not null,
      told_at timestamptz not null,
      constraint notice_marks_pkey primary key (organization_id, subject, kind, at)
    );
    create index notice_marks_told_at_idx on notice_marks (kind, told_at);

    -- The posture that was told last, what it followed from, and when the clock changes it.
    create table notice_postures (
      organization_id text not null,
      posture text not null,
      billing_status text,
      status_since timestamptz,
      trial_ends_at timestamptz,
      deleted_at timestamptz,
      until timestamptz,
      constraint notice_postures_pkey primary key (organization_id)
    );
    create index notice_postures_until_idx on notice_postures (until) where until is not null;

    create index api_keys_expires_at_idx on api_keys (expires_at) where status = 'active' and expires_at is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index api_keys_expires_at_idx;
    drop table notice_postures;
    drop table notice_marks;
    drop table outbox_endpoints;
    drop table outbox_lanes;
    drop table outbox;
  `);
}
