import type { Knex } from 'knex';

/** What Latchkey itself knows of people's sessions: when they were last used, and that they are over; see docs/how-to/manage-sessions.md. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table user_sessions (
      -- WorkOS's; a session may be of one organization now and of another later.
      session_id text not null,
      user_id text not null,
      organization_id text,
      last_active_at timestamptz not null,
      ended_at timestamptz,
      end_reason text,
      -- When WorkOS agreed that it is over.
      workos_revoked_at timestamptz,
      -- When WorkOS is to be told of it.
      due_at timestamptz,
      attempts integer not null default 0,
      constraint user_sessions_pkey primary key (session_id),
      constraint user_sessions_end_reason_check check (end_reason in ('signed_out', 'inactive', 'refused')),
      constraint user_sessions_ended_check check ((ended_at is null) = (end_reason is null))
    );
    create index user_sessions_last_active_at_idx on user_sessions (last_active_at) where ended_at is null;
    create index user_sessions_due_at_idx on user_sessions (due_at) where due_at is not null;
    create index user_sessions_ended_at_idx on user_sessions (ended_at) where ended_at is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table user_sessions');
}
