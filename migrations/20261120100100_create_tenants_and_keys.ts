import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- An organization may be known from WorkOS before billing ever spoke of it; a deleted one stays, closed.
    create table tenants (
      organization_id text not null,
      name text,
      billing_status text,
      trial_ends_at timestamptz,
      plan text,
      workos_updated_at timestamptz,
      deleted_at timestamptz,
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
      origin text not null,
      status text not null,
      label text not null,
      description text,
      metadata jsonb not null,
      permission_set text,
      scopes text[] not null,
      prefix text,
      secret_hash bytea,
      expires_at timestamptz,
      rotated_from text,
      rotated_to text,
      created_by_kind text not null,
      created_by_id text not null,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      revoked_at timestamptz,
      -- WorkOS's side, as far as it was confirmed: what differs from ours is work left over.
      workos_deleted_at timestamptz,
      workos_expires_at timestamptz,
      workos_updated_at timestamptz,
      -- When a reconciliation began to look for the key at WorkOS, and when one last saw it there.
      workos_expected_at timestamptz,
      workos_seen_at timestamptz,
      -- When somebody has to look at the row again; null when nothing is left to do.
      due_at timestamptz,
      attempts integer not null default 0,
      constraint api_keys_pkey primary key (organization_id, id),
      constraint api_keys_organization_id_fkey foreign key (organization_id) references tenants (organization_id),
      constraint api_keys_workos_id_key unique (workos_id),
      constraint api_keys_secret_hash_key unique (secret_hash),
      constraint api_keys_origin_check check (origin in ('latchkey', 'workos')),
      constraint api_keys_status_check check (status in ('provisioning', 'active', 'revoked', 'failed')),
      constraint api_keys_provisioned_check check (
        status in ('provisioning', 'failed')
        or (workos_id is not null and prefix is not null and (secret_hash is not null or origin = 'workos'))
      ),
      constraint api_keys_revoked_at_check check ((status = 'revoked') = (revoked_at is not null))
    );

    -- Lists: newest first within an organization.
    create index api_keys_organization_id_created_at_idx on api_keys (organization_id, created_at desc, id desc)
      where workos_id is not null;

    -- Quota: what counts is a small part of what an organization ever had.
    create index api_keys_organization_id_counted_idx on api_keys (organization_id)
      where status in ('provisioning', 'active');

    -- Work left over, oldest first.
    create index api_keys_due_at_idx on api_keys (due_at) where due_at is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table api_keys;
    drop table tenants;
  `);
}
