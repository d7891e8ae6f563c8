import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What a token is exchanged for: a key, or a CI session that makes keys.
    alter table ci_policies add column issue text not null default 'api_key',
      add constraint ci_policies_issue_check check (issue in ('api_key', 'session'));

    create table ci_sessions (
      organization_id text not null,
      id text not null,
      policy_id text not null,
      -- An HMAC of the token; the token itself is in one answer only.
      token_hash bytea not null,
      -- What the session's keys have as metadata: run, commit and actor of the job.
      key_metadata jsonb not null,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      ended_at timestamptz,
      constraint ci_sessions_pkey primary key (organization_id, id),
      constraint ci_sessions_token_hash_key unique (token_hash),
      constraint ci_sessions_policy_id_fkey foreign key (policy_id) references ci_policies (id) on delete cascade
    );
    create index ci_sessions_policy_id_idx on ci_sessions (policy_id);
    create index ci_sessions_expires_at_idx on ci_sessions (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table ci_sessions;
    alter table ci_policies drop constraint ci_policies_issue_check, drop column issue;
  `);
}
