import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table tenants
      -- What billing decided for this tenant alone; null: what its plan says.
      add column key_limit integer,
      -- When what billing said last happened there: what is older changes nothing.
      add column billing_occurred_at timestamptz,
      add column billing_reason text,
      -- Since when the status is what it is.
      add column status_since timestamptz,
      -- When all keys are to be revoked, and when they were.
      add column decommission_at timestamptz,
      add column decommissioned_at timestamptz,
      -- As WorkOS keeps it on the organization.
      add column stripe_customer_id text,
      add constraint tenants_key_limit_check check (key_limit >= 0),
      add constraint tenants_decommission_at_check check (
        decommission_at is null or billing_status = 'decommissioning'
      );
    -- WorkOS keeps it unique, but tells of a change of two organizations in any order.
    create index tenants_stripe_customer_id_idx on tenants (stripe_customer_id) where stripe_customer_id is not null;
    create index tenants_decommission_at_idx on tenants (decommission_at)
      where decommission_at is not null and decommissioned_at is null;
    create index tenants_trial_ends_at_idx on tenants (trial_ends_at) where billing_status = 'trial';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index tenants_trial_ends_at_idx;
    drop index tenants_decommission_at_idx;
    drop index tenants_stripe_customer_id_idx;
    alter table tenants
      drop column stripe_customer_id,
      drop column decommissioned_at,
      drop column decommission_at,
      drop column status_since,
      drop column billing_reason,
      drop column billing_occurred_at,
      drop column key_limit;
  `);
}
