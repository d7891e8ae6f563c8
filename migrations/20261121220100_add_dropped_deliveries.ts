import type { Knex } from 'knex';

/** A delivery that nothing can ever receive ends as `dropped`: an audit event of an organization that WorkOS has deleted. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table outbox drop constraint outbox_status_check;
    alter table outbox add constraint outbox_status_check
      check (status in ('waiting', 'delivered', 'dropped', 'dead'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    update outbox set status = 'delivered' where status = 'dropped';
    alter table outbox drop constraint outbox_status_check;
    alter table outbox add constraint outbox_status_check check (status in ('waiting', 'delivered', 'dead'));
  `);
}
