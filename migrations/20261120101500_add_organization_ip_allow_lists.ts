import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table tenants
      -- From where its people, machines and keys may be used, as ranges; empty: from everywhere.
      add column ip_allow_list text[] not null default '{}';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table tenants drop column ip_allow_list');
}
