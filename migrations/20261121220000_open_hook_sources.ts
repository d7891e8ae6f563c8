import type { Knex } from 'knex';

/** A new billing provider needs no migration: the code has the list of sources, the table only their form. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table hook_inbox drop constraint hook_inbox_source_check;
    alter table hook_inbox add constraint hook_inbox_source_check check (source ~ '^[a-z][a-z0-9_]{0,31}$');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from hook_inbox where source not in ('stripe', 'billing');
    alter table hook_inbox drop constraint hook_inbox_source_check;
    alter table hook_inbox add constraint hook_inbox_source_check check (source in ('stripe', 'billing'));
  `);
}
