import type { BillingStatus, Tenant } from './posture.ts';

export type TenantRow = {
  organization_id: string;
  name: string | null;
  billing_status: BillingStatus | null;
  status_since: Date | null;
  trial_ends_at: Date | null;
  plan: string | null;
  key_limit: number | null;
  billing_occurred_at: Date | null;
  plan_occurred_at: Date | null;
  key_limit_occurred_at: Date | null;
  billing_reason: string | null;
  decommission_at: Date | null;
  decommissioned_at: Date | null;
  stripe_customer_id: string | null;
  deleted_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

export const TENANT_COLUMNS = [
  'organization_id',
  'name',
  'billing_status',
  'status_since',
  'trial_ends_at',
  'plan',
  'key_limit',
  'billing_occurred_at',
  'plan_occurred_at',
  'key_limit_occurred_at',
  'billing_reason',
  'decommission_at',
  'decommissioned_at',
  'deleted_at',
  'created_at',
] as const satisfies (keyof TenantRow)[];

export type ReadTenantRow = Pick<TenantRow, (typeof TENANT_COLUMNS)[number]>;

export function toTenant(row: ReadTenantRow): Tenant {
  return {
    organizationId: row.organization_id,
    name: row.name ?? undefined,
    status: row.billing_status ?? undefined,
    statusSince: row.status_since ?? undefined,
    trialEndsAt: row.trial_ends_at ?? undefined,
    plan: row.plan ?? undefined,
    keyLimit: row.key_limit ?? undefined,
    billingOccurredAt: row.billing_occurred_at ?? undefined,
    planOccurredAt: row.plan_occurred_at ?? undefined,
    keyLimitOccurredAt: row.key_limit_occurred_at ?? undefined,
    billingReason: row.billing_reason ?? undefined,
    decommissionAt: row.decommission_at ?? undefined,
    decommissionedAt: row.decommissioned_at ?? undefined,
    deletedAt: row.deleted_at ?? undefined,
    createdAt: row.created_at,
  };
}

/** The columns that a billing statement decides. */
export function toColumns(tenant: Tenant): Partial<TenantRow> {
  return {
    billing_status: tenant.status ?? null,
    status_since: tenant.statusSince ?? null,
    trial_ends_at: tenant.trialEndsAt ?? null,
    plan: tenant.plan ?? null,
    key_limit: tenant.keyLimit ?? null,
    billing_occurred_at: tenant.billingOccurredAt ?? null,
    plan_occurred_at: tenant.planOccurredAt ?? null,
    key_limit_occurred_at: tenant.keyLimitOccurredAt ?? null,
    billing_reason: tenant.billingReason ?? null,
    decommission_at: tenant.decommissionAt ?? null,
    decommissioned_at: tenant.decommissionedAt ?? null,
  };
}
