import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table ci_policies (
      organization_id text not null,
      id text not null,
      name text not null,
      issuer text not null,
      -- CircleCI has an issuer for each of its organizations.
      issuer_organization text,
      permission_sets text[] not null,
      scopes text[] not null,
      environments text[] not null,
      max_lifetime_seconds integer not null,
      max_active_keys integer not null,
      conditions jsonb not null,
      enabled boolean not null,
      created_by_kind text not null,
      created_by_id text not null,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      constraint ci_policies_pkey primary key (id),
      constraint ci_policies_name_key unique (organization_id, name),
      constraint ci_policies_organization_id_fkey foreign key (organization_id) references tenants (organization_id),
      constraint ci_policies_max_lifetime_seconds_check check (max_lifetime_seconds > 0),
      constraint ci_policies_max_active_keys_check check (max_active_keys > 0)
    );
    create index ci_policies_organization_id_idx on ci_policies (organization_id, id);

    create table ci_token_uses (
      organization_id text not null,
      -- Of the token's issuer and id, or of the signed text of a token without an id.
      token_hash bytea not null,
      -- The row of api_keys that the token is exchanged for. While that is not made, a failed row frees the token.
      key_row_id text not null,
      is_made boolean not null default false,
      expires_at timestamptz not null,
      constraint ci_token_uses_pkey primary key (organization_id, token_hash)
    );
    create index ci_token_uses_expires_at_idx on ci_token_uses (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table ci_token_uses;
    drop table ci_policies;
  `);
}
