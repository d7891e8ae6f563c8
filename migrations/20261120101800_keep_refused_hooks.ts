import type { Knex } from 'knex';

const TAKEN = `'applied', 'unchanged', 'stale', 'ignored', 'unknown_tenant', 'unreadable'`;

/** Of hooks that are refused before they are read it is kept that they came. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table hook_inbox drop constraint hook_inbox_outcome_check;
    alter table hook_inbox add constraint hook_inbox_outcome_check check (outcome in (${TAKEN}, 'refused'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from hook_inbox where outcome = 'refused';
    alter table hook_inbox drop constraint hook_inbox_outcome_check;
    alter table hook_inbox add constraint hook_inbox_outcome_check check (outcome in (${TAKEN}));
  `);
}
