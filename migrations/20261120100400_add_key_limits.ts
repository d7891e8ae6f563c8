import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys
      -- What the key's own maker decided; null: what its template and the plan say.
      add column rate_limit integer,
      add column rate_limit_window_seconds integer,
      add column concurrency integer,
      add constraint api_keys_rate_limit_check check (
        (rate_limit is null) = (rate_limit_window_seconds is null)
        and rate_limit > 0 and rate_limit_window_seconds > 0
      ),
      add constraint api_keys_concurrency_check check (concurrency > 0);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys drop column concurrency, drop column rate_limit_window_seconds, drop column rate_limit;
  `);
}
