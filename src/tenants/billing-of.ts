import type { Clock } from '../clock.ts';
import type { Policy, Posture } from './posture.ts';
import type { TenantRepository } from './tenant-repository.ts';

type Deps = { tenants: Pick<TenantRepository, 'findAll'>; policy: Pick<Policy, 'standingOf'>; clock: Clock };

/** The billing of several organizations at once; one that billing does not know is left out. */
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
