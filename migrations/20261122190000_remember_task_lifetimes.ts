import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // What a renewal without a lifetime repeats; null for tasks that a process of the release before has taken.
  await knex.raw('alter table tasks add column if not exists ttl_seconds integer');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table tasks drop column if exists ttl_seconds');
}
