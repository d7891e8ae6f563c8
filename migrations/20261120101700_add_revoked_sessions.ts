import type { Knex } from 'knex';

/** A session may have been ended at WorkOS by somebody else. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table user_sessions drop constraint user_sessions_end_reason_check;
    alter table user_sessions add constraint user_sessions_end_reason_check
      check (end_reason in ('signed_out', 'inactive', 'refused', 'revoked'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table user_sessions drop constraint user_sessions_end_reason_check;
    -- Over it stays, in the words that there were.
    update user_sessions set end_reason = 'refused' where end_reason = 'revoked';
    alter table user_sessions add constraint user_sessions_end_reason_check
      check (end_reason in ('signed_out', 'inactive', 'refused'));
  `);
}
