import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table idempotency_keys (
      organization_id text not null,
      -- Keyed hash of caller, route and the client's own key.
      key_hash bytea not null,
      request_hash bytea not null,
      -- The row in api_keys that this request makes, so that a retry after a crash can end it first.
      row_id text not null,
      locked_until timestamptz not null,
      -- The answer, sealed with a key that needs the client's own key; null while the request runs.
      sealed bytea,
      expires_at timestamptz not null,
      constraint idempotency_keys_pkey primary key (organization_id, key_hash)
    );
    create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);

    -- How far the events of WorkOS were read, and which replica is reading.
    create table event_cursors (
      name text not null,
      cursor text,
      event_at timestamptz,
      leased_until timestamptz,
      -- When everything was read that there was.
      polled_at timestamptz,
      constraint event_cursors_pkey primary key (name)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table event_cursors;
    drop table idempotency_keys;
  `);
}
