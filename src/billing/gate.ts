import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { mayCreate, postureOf } from './posture.ts';
import type { Posture, Tenant } from './posture.ts';
import type { TenantRepository } from './tenant-repository.ts';

type Deps = {
  tenants: Pick<TenantRepository, 'find' | 'lock'>;
  keyLimitOf: (plan: string | undefined) => number;
  clock: Clock;
};

export type BillingGate = ReturnType<typeof makeBillingGate>;

/** What billing allows. Both throw AppError `billing_inactive` with `details.posture`. */
export function makeBillingGate({ tenants, keyLimitOf, clock }: Deps) {
  return {
    /** Before every create-class request. */
    async assertMayCreate(organizationId: string): Promise<void> {
      assertActive(await tenants.find(organizationId), clock());
    },

    /** Inside the transaction that adds a key: holds the tenant's row, so that quota is judged one request at a time. */
    async admitKey(trx: Knex.Transaction, organizationId: string): Promise<{ keyLimit: number }> {
      const tenant = await tenants.lock(trx, organizationId);
      assertActive(tenant, clock());
      return { keyLimit: keyLimitOf(tenant.plan) };
    },
  };
}

function assertActive(tenant: Tenant | undefined, now: Date): asserts tenant is Tenant {
  const posture = postureOf(tenant, now);
  if (mayCreate(posture)) return;
  const message = REASONS[posture] ?? 'Billing does not allow this now.';
  throw new AppError('billing_inactive', `${message} What exists can be read and revoked; nothing can be added.`, {
    details: { posture },
  });
}

const REASONS: Partial<Record<Posture, string>> = {
  past_due: 'A payment is overdue.',
  decommissioning: 'This organization is being closed.',
  trial_expired: 'The trial has ended.',
  unknown: 'Billing does not know this organization yet.',
};
