export const BILLING_STATUSES = ['active', 'trial', 'past_due', 'decommissioning'] as const;
export type BillingStatus = (typeof BILLING_STATUSES)[number];

export const POSTURES = [...BILLING_STATUSES, 'trial_expired', 'unknown'] as const;
/** What billing allows an organization now, derived from its tenant row and the clock. */
export type Posture = (typeof POSTURES)[number];

export type Tenant = {
  organizationId: string;
  /** What billing said last; absent when it never did. */
  status: BillingStatus | undefined;
  trialEndsAt: Date | undefined;
  plan: string | undefined;
  /** When WorkOS deleted the organization. */
  deletedAt: Date | undefined;
};

/**
 * The posture at `now`: a trial ends by the clock, an organization that billing never spoke of is `unknown`, and one
 * that WorkOS has deleted is being wound down whatever billing says.
 */
export function postureOf(tenant: Omit<Tenant, 'organizationId'> | undefined, now: Date): Posture {
  if (tenant?.deletedAt) return 'decommissioning';
  if (!tenant?.status) return 'unknown';
  if (tenant.status !== 'trial') return tenant.status;
  return tenant.trialEndsAt && tenant.trialEndsAt > now ? 'trial' : 'trial_expired';
}

export function mayCreate(posture: Posture): boolean {
  return posture === 'active' || posture === 'trial';
}
