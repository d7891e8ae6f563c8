import type { Knex } from 'knex';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Inserts the demo's organizations, one for each billing posture. Existing tenants stay as they are. */
export async function seedDemoTenants(db: Knex, now: Date): Promise<void> {
  const inDays = (days: number) => new Date(now.getTime() + days * DAY_MS);
  const tenants = [
    { organization_id: 'org_acme', billing_status: 'active', trial_ends_at: null },
    { organization_id: 'org_globex', billing_status: 'trial', trial_ends_at: inDays(14) },
    { organization_id: 'org_hooli', billing_status: 'trial', trial_ends_at: inDays(-1) },
    { organization_id: 'org_initech', billing_status: 'past_due', trial_ends_at: null },
    { organization_id: 'org_umbrella', billing_status: 'decommissioning', trial_ends_at: null },
  ];
  await db('tenants')
    .insert(tenants.map((tenant) => ({ ...tenant, created_at: now, updated_at: now })))
    .onConflict('organization_id')
    .ignore();
}
