import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { assertWithinPlan } from './assert-within-plan.ts';
import type { LimitMaximum } from './assert-within-plan.ts';
import { apiKeyNotFound } from './find-key.ts';
import type { KeyRepository } from './key-repository.ts';
import { viewRateLimit } from './key-schemas.ts';
import type { KeyChange } from './key-writer.ts';
import type { Key } from './key.ts';

type Deps = {
  db: Knex;
  keys: KeyRepository;
  /** Locks the tenant until the transaction ends and judges its billing. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<LimitMaximum>;
  audit: AuditLog;
  clock: Clock;
};

/**
 * Changes what people call a key and how much it may be used; what it may do never changes.
 * @throws AppError `api_key_not_found`, `validation_error` for limits beyond the plan's
 */
export function makeUpdateKey({ db, keys, admit, audit, clock }: Deps) {
  return function updateKey(
    caller: TenantCaller,
    id: string,
    change: KeyChange,
    context: RequestContext,
  ): Promise<Key> {
    return transaction(db, async (trx) => {
      if (change.rateLimit || change.concurrency) assertWithinPlan(change, await admit(trx, caller.organizationId));
      const before = await keys.lock(trx, caller.organizationId, id);
      if (!before) throw apiKeyNotFound();
      const after = await keys.update(trx, before, change, clock());
      await audit.append(trx, {
        ...auditSource(caller, context),
        organizationId: before.organizationId,
        action: 'api_key.updated',
        target: { kind: 'api_key', id },
        details: describeChange(change),
      });
      return after;
    });
  };
}

function describeChange({ rateLimit, concurrency, ...texts }: KeyChange): Record<string, unknown> {
  const changed = [...Object.keys(texts), ...(rateLimit === undefined ? [] : ['rate_limit'])];
  return {
    changed: [...changed, ...(concurrency === undefined ? [] : ['concurrency'])],
    ...(rateLimit !== undefined && { rate_limit: rateLimit && viewRateLimit(rateLimit) }),
    ...(concurrency !== undefined && { concurrency }),
  };
}
