import type { Clock } from '../clock.ts';
import type { Policy, Posture } from './posture.ts';
import type { TenantRepository } from './tenant-repository.ts';

type Deps = { tenants: Pick<TenantRepository, 'findAll'>; policy: Pick<Policy, 'standingOf'>; clock: Clock };

/** Returns the billing of several organizations; those without a tenant are left out. */
export function makeBillingOf({ tenants, policy, clock }: Deps) {
  return async function billingOf(
    organizationIds: readonly string[],
  ): Promise<Map<string, { status: string | null; posture: Posture }>> {
    const known = organizationIds.length === 0 ? [] : await tenants.findAll(organizationIds);
    return new Map(
      known.map((tenant) => [
        tenant.organizationId,
        { status: tenant.status ?? null, posture: policy.standingOf(tenant, clock()).posture },
      ]),
    );
  };
}
