import type { Knex } from 'knex';

/** Opaque tokens of people's sessions; see docs/explanation/sessions.md. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table session_tokens (
      session_id text not null,
      -- An HMAC of the token; the token itself is in one answer only.
      token_hash bytea not null,
      -- WorkOS's refresh token, sealed under the token and LATCHKEY_SECRET; null once it is lost, or the session is over.
      sealed_refresh bytea,
      user_id text not null,
      -- What the last access token said, which was good from issued_at to facts_until.
      organization_id text not null,
      role text,
      scopes text[] not null,
      issued_at timestamptz not null,
      facts_until timestamptz not null,
      -- A renewal runs until then at most; one that was not concluded stays here, because its outcome is unknown.
      renewing_until timestamptz,
      -- Since when the refresh token is lost, and facts are read with the API key.
      lost_at timestamptz,
      constraint session_tokens_pkey primary key (session_id),
      constraint session_tokens_token_hash_key unique (token_hash),
      constraint session_tokens_session_id_fkey foreign key (session_id) references user_sessions (session_id)
        on delete cascade
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table session_tokens');
}
