import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { ServiceCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import type { BillingStatus, Tenant } from './posture.ts';
import type { TenantRepository } from './tenant-repository.ts';

type Deps = { db: Knex; tenants: TenantRepository; audit: AuditLog; clock: Clock };
type Change = Pick<Tenant, 'organizationId' | 'trialEndsAt' | 'plan'> & { status: BillingStatus };

/** Makes a tenant or changes its billing; a plan that is not named stays as it was. Saying the same again changes nothing. */
export function makeSetBilling({ db, tenants, audit, clock }: Deps) {
  return function setBilling(caller: ServiceCaller, change: Change, context: RequestContext): Promise<Tenant> {
    return transaction(db, async (trx) => {
      const before = await tenants.lock(trx, change.organizationId);
      const tenant: Tenant = { ...change, plan: change.plan ?? before?.plan, deletedAt: before?.deletedAt };
      if (before && describe(before) === describe(tenant)) return tenant;
      await tenants.put(trx, tenant, clock());
      await audit.append(trx, {
        ...auditSource(caller, context),
        organizationId: tenant.organizationId,
        action: 'organization.billing_changed',
        target: { kind: 'organization', id: tenant.organizationId },
        details: { before: before ? view(before) : null, after: view(tenant) },
      });
      return tenant;
    });
  };
}

function view({ status, trialEndsAt, plan }: Tenant) {
  return { status: status ?? null, trial_ends_at: trialEndsAt?.toISOString() ?? null, plan: plan ?? null };
}

function describe(tenant: Tenant): string {
  return JSON.stringify(view(tenant));
}
