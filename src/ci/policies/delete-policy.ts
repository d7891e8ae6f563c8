import type { Knex } from 'knex';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditEvent, AuditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { TenantCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import { policyEvent, policyNotFound } from './change-policies.ts';
import type { PolicyRepository } from './policy-repository.ts';
import type { Policy } from './policy.ts';

type Deps = {
  db: Knex;
  policies: Pick<PolicyRepository, 'lock' | 'delete'>;
  /** Revokes a bounded number of the policy's unexpired keys. */
  revokeKeys: (
    trx: Knex.Transaction,
    policy: Policy,
    source: AuditSource,
    now: Date,
  ) => Promise<{ events: AuditEvent[]; more: boolean }>;
  audit: Pick<AuditLog, 'append' | 'appendAll'>;
  clock: Clock;
};
type Deletion = { caller: TenantCaller; id: string; revokesKeys: boolean; context: RequestContext };

export type DeletePolicy = ReturnType<typeof makeDeletePolicy>;

/**
 * Deletes a CI policy, and with `revokesKeys` the keys that it gave: batch by batch, the policy with the last of them. A key
 * that is being made then is undone, since its activation needs the policy. After a crash the request goes on where it was.
 * @returns how many keys were revoked
 * @throws AppError `ci_policy_not_found`
 */
export function makeDeletePolicy(deps: Deps) {
  return async function deletePolicy(
    caller: TenantCaller,
    id: string,
    revokesKeys: boolean,
    context: RequestContext,
  ): Promise<number> {
    let revoked = 0;
    for (;;) {
      const batch = await transaction(deps.db, (trx) => deleteSome(deps, trx, { caller, id, revokesKeys, context }));
      revoked += batch.revoked;
      if (!batch.more) return revoked;
    }
  };
}

async function deleteSome(
  { policies, revokeKeys, audit, clock }: Deps,
  trx: Knex.Transaction,
  { caller, id, revokesKeys, context }: Deletion,
): Promise<{ revoked: number; more: boolean }> {
  const { organizationId } = caller;
  const policy = await policies.lock(trx, organizationId, id);
  if (!policy) throw policyNotFound();
  const none = { events: [], more: false };
  const { events, more } = revokesKeys ? await revokeKeys(trx, policy, auditSource(caller, context), clock()) : none;
  await audit.appendAll(trx, organizationId, events);
  if (!more) {
    await policies.delete(trx, policy);
    const details = { name: policy.name, ...(revokesKeys && { keys: 'revoked' }) };
    await audit.append(trx, policyEvent(policy, 'ci_policy.deleted', caller, context, details));
  }
  return { revoked: events.length, more };
}
