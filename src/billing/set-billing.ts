import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import { transaction } from '../db/transaction.ts';
import type { ServiceCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import type { ApplyBilling, BillingStatement } from './apply-billing.ts';
import type { Tenant } from '../tenants/posture.ts';

type Deps = { db: Knex; applyBilling: ApplyBilling };

/** Applies the statement of a service. A plan that is not named stays as it was; a repeated statement changes nothing. */
export function makeSetBilling({ db, applyBilling }: Deps) {
  return async function setBilling(
    caller: ServiceCaller,
    statement: BillingStatement,
    context: RequestContext,
  ): Promise<Tenant> {
    const source = auditSource(caller, context);
    return (await transaction(db, (trx) => applyBilling(trx, statement, source))).tenant;
  };
}
