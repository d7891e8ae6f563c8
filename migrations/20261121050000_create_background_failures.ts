import type { Knex } from 'knex';

/** Items that a background loop could not do and set aside, so that they hold up no others; see docs/explanation/background-loops.md. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table background_failures (
      loop text not null,
      -- The loop's own name for it.
      item text not null,
      organization_id text,
      attempts integer not null,
      first_failed_at timestamptz not null,
      last_failed_at timestamptz not null,
      due_at timestamptz not null,
      -- Since when it counts as a dead letter.
      dead_at timestamptz,
      last_failure text not null,
      -- The item itself, where nothing else keeps it.
      payload jsonb,
      constraint background_failures_pkey primary key (loop, item),
      constraint background_failures_last_failure_check check (char_length(last_failure) <= 500),
      constraint background_failures_payload_check check (octet_length(payload::text) <= 262144)
    );
    create index background_failures_due_at_idx on background_failures (loop, due_at);
    create index background_failures_dead_idx on background_failures (loop, item) where dead_at is not null;
    create index background_failures_last_failed_at_idx on background_failures (last_failed_at) where payload is null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table background_failures');
}
