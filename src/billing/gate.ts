import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Operation, Policy, Posture, Realm, Tenant } from '../tenants/posture.ts';
import { reasonFor } from './reasons.ts';
import type { TenantStore } from '../tenants/tenant-store.ts';

type Deps<Plan> = {
  tenants: Pick<TenantStore, 'find' | 'lock' | 'make'>;
  policy: Pick<Policy, 'standingOf' | 'allows' | 'restricts'>;
  planOf: (tenant: Tenant) => Plan;
  clock: Clock;
};

export type BillingGate = ReturnType<typeof makeBillingGate>;

/** What billing allows. Both throw AppError `billing_inactive` with `details.posture`. */
export function makeBillingGate<Plan>({ tenants, policy, planOf, clock }: Deps<Plan>) {
  function judge(tenant: Tenant | undefined, realm: Realm, operation: Operation): void {
    const { posture } = policy.standingOf(tenant, clock());
    if (policy.allows(posture, realm, operation)) return;
    throw refusalOf(posture, operation);
  }

  return {
    /** Before every request of an organization, or for what its keys are used for. */
    async assertMay(organizationId: string, realm: Realm, operation: Operation): Promise<void> {
      if (policy.restricts(realm, operation)) judge(await tenants.find(organizationId), realm, operation);
    },

    /**
     * Inside the transaction that adds or amends a key: holds the tenant's row, so that what the plan allows is judged
     * one request at a time.
     */
    async admitKey(trx: Knex.Transaction, organizationId: string): Promise<Plan> {
      const tenant = await tenants.lock(trx, organizationId);
      judge(tenant, 'api', 'create');
      // Whatever a posture allows: from here on all its keys are being revoked, or are by another replica's clock.
      const isEnding = tenant?.decommissionAt !== undefined && tenant.decommissionAt <= clock();
      if (isEnding || tenant?.decommissionedAt) throw refusalOf('decommissioning', 'create');
      return planOf(tenant ?? (await tenants.make(trx, organizationId, clock())));
    },
  };
}

/** What a request is answered that a posture does not let pass. */
export function refusalOf(posture: Posture, operation: Operation): AppError {
  const left = operation === 'create' ? ' What exists can be read and revoked; nothing can be added.' : '';
  return new AppError('billing_inactive', `${reasonFor(posture)}${left}`, { details: { posture } });
}
