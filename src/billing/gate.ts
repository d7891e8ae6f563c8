import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import type { Unsent } from '../db/pipeline.ts';
import { AppError } from '../errors.ts';
import { isEnding } from '../tenants/posture.ts';
import type { Account, Operation, Policy, Posture, Realm, Tenant } from '../tenants/posture.ts';
import { reasonFor } from './reasons.ts';
import type { TenantStore } from '../tenants/tenant-store.ts';

type Deps<Plan> = {
  tenants: Pick<TenantStore, 'find' | 'lock' | 'lockAnd' | 'make'>;
  policy: Pick<Policy, 'standingOf' | 'allows' | 'restricts'>;
  planOf: (tenant: Tenant) => Plan;
  clock: Clock;
};

export type BillingGate = ReturnType<typeof makeBillingGate>;

/** Checks what billing allows. All methods throw AppError `billing_inactive` with `details.posture`. */
export function makeBillingGate<Plan>({ tenants, policy, planOf, clock }: Deps<Plan>) {
  function assertAllowed(tenant: Account | undefined, realm: Realm, operation: Operation): void {
    const { posture } = policy.standingOf(tenant, clock());
    if (policy.allows(posture, realm, operation)) return;
    throw refusalOf(posture, operation);
  }

  function planFor(tenant: Tenant | undefined): Plan | undefined {
    assertAllowed(tenant, 'api', 'create');
    if (tenant && isEnding(tenant, clock())) throw refusalOf('decommissioning', 'create');
    return tenant && planOf(tenant);
  }

  return {
    /** Checks a request of an organization whose account is at hand. */
    assertAllowed,

    /** Checks a request of an organization, or a request with one of its keys. */
    async assertMay(organizationId: string, realm: Realm, operation: Operation): Promise<void> {
      if (policy.restricts(realm, operation)) assertAllowed(await tenants.find(organizationId), realm, operation);
    },

    /**
     * Checks, in the transaction that creates or changes a key, what the plan allows. It locks the tenant's row, so that one
     * request at a time is checked.
     */
    async admitKey(trx: Knex.Transaction, organizationId: string): Promise<Plan> {
      const tenant = await tenants.lock(trx, organizationId);
      return planFor(tenant) ?? planOf(await tenants.make(trx, organizationId, clock()));
    },

    /** Checks as `admitKey` does, and returns what `read` finds under the lock. */
    async admitKeyAnd<T>(
      trx: Knex.Transaction,
      organizationId: string,
      read: () => Unsent<T>,
    ): Promise<{ plan: Plan; found: T }> {
      const { tenant, found } = await tenants.lockAnd(trx, organizationId, read());
      const plan = planFor(tenant);
      if (plan) return { plan, found };
      // There was no row to lock, so what was found may have changed.
      return { plan: planOf(await tenants.make(trx, organizationId, clock())), found: await read() };
    },
  };
}

/** The error for a request that a posture refuses. */
export function refusalOf(posture: Posture, operation: Operation): AppError {
  const left = operation === 'create' ? ' Existing keys can be read and revoked; nothing can be created.' : '';
  return new AppError('billing_inactive', `${reasonFor(posture)}${left}`, { details: { posture } });
}
