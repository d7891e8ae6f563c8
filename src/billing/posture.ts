export const BILLING_STATUSES = ['active', 'trial', 'past_due', 'decommissioning'] as const;
export type BillingStatus = (typeof BILLING_STATUSES)[number];

export const POSTURES = [...BILLING_STATUSES, 'trial_expired', 'unknown'] as const;
/** What billing allows an organization now, derived from its tenant row and the clock. */
export type Posture = (typeof POSTURES)[number];

export type Tenant = {
  organizationId: string;
  status: BillingStatus;
  trialEndsAt: Date | undefined;
  plan: string | undefined;
};

/** The posture at `now`: a trial ends by the clock, and an organization without a tenant row is `unknown`. */
export function postureOf(tenant: Tenant | undefined, now: Date): Posture {
  if (!tenant) return 'unknown';
  if (tenant.status !== 'trial') return tenant.status;
  return tenant.trialEndsAt && tenant.trialEndsAt > now ? 'trial' : 'trial_expired';
}

export function mayCreate(posture: Posture): boolean {
  return posture === 'active' || posture === 'trial';
}
