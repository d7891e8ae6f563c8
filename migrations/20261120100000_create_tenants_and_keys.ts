import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table tenants (
      organization_id text not null,
      billing_status text not null,
      trial_ends_at timestamptz,
      plan text,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      constraint tenants_pkey primary key (organization_id),
      constraint tenants_billing_status_check check (billing_status in ('active', 'trial', 'past_due', 'decommissioning')),
      constraint tenants_trial_ends_at_check check (billing_status <> 'trial' or trial_ends_at is not null)
    );

    create table api_keys (
      organization_id text not null,
      id text not null,
      workos_id text,
      status text not null,
      label text not null,
      description text,
      metadata jsonb not null,
      permission_set text not null,
      scopes text[] not null,
      prefix text,
      secret_hash bytea,
      expires_at timestamptz,
      created_by_kind text not null,
      created_by_id text not null,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      revoked_at timestamptz,
      workos_deleted_at timestamptz,
      constraint api_keys_pkey primary key (organization_id, id),
      constraint api_keys_organization_id_fkey foreign key (organization_id) references tenants (organization_id),
      constraint api_keys_workos_id_key unique (workos_id),
      constraint api_keys_secret_hash_key unique (secret_hash),
      constraint api_keys_status_check check (status in ('provisioning', 'active', 'revoked', 'failed')),
      constraint api_keys_label_check check (char_length(label) between 1 and 100),
      constraint api_keys_provisioned_check check (
        status in ('provisioning', 'failed') or (workos_id is not null and prefix is not null and secret_hash is not null)
      ),
      constraint api_keys_revoked_at_check check ((status = 'revoked') = (revoked_at is not null))
    );

    -- Lists: newest first within an organization.
    create index api_keys_organization_id_created_at_idx on api_keys (organization_id, created_at desc, id desc)
      where workos_id is not null;

    -- Quota: what counts is a small part of what an organization ever had.
    create index api_keys_organization_id_counted_idx on api_keys (organization_id)
      where status in ('provisioning', 'active');

    -- Work left over: rows to settle, deletions WorkOS has not confirmed.
    create index api_keys_unsettled_idx on api_keys (created_at)
      where status = 'provisioning' or (status = 'revoked' and workos_deleted_at is null);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table api_keys;
    drop table tenants;
  `);
}
