import type { Knex } from 'knex';

/**
 * What sign-in knows of a person on every replica and after a restart: the refresh token that was handed out last, and whose
 * an e-mail address is. Both are HMACs under a key of LATCHKEY_SECRET.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table user_sessions add column refresh_hash text;
    create index user_sessions_by_refresh_hash on user_sessions (refresh_hash);

    create table known_accounts (
      account_hash text not null,
      organization_id text not null,
      user_id text not null,
      noted_at timestamptz not null,
      constraint known_accounts_pkey primary key (account_hash, organization_id)
    );
    create index known_accounts_by_noted_at on known_accounts (noted_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table known_accounts;
    drop index user_sessions_by_refresh_hash;
    alter table user_sessions drop column refresh_hash;
  `);
}
