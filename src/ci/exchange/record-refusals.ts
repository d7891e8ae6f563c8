import type { Knex } from 'knex';
import type { AuditEvent } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import { transaction } from '../../db/transaction.ts';
import type { RequestContext } from '../../http/route.ts';
import type { Limiter } from '../../limits/limiter.ts';

type Deps = { db: Knex; audit: Pick<AuditLog, 'append'>; limiter: Pick<Limiter, 'takeRate'> };

export type Refusal = {
  organizationId: string;
  policyId: string;
  action: 'ci.refused' | 'ci.replayed';
  reason: string;
  /** Of the token, once its signature is verified; never the token. */
  details: Readonly<Record<string, unknown>>;
  from: Pick<RequestContext, 'requestId' | 'ip'>;
};
type Folded = Refusal & { attempts: number };

/** Of one policy; a stranger who knows its id can cause any number. */
const RATE = { limit: 10, windowSeconds: 60 };
const MAX_FOLDED = 1_000;

export type RecordRefusals = ReturnType<typeof makeRecordRefusals>;

/**
 * Records refused tokens in the audit log. The first of a policy in a minute are events of their own; further ones are
 * counted and become one event for each reason.
 */
export function makeRecordRefusals({ db, audit, limiter }: Deps) {
  const folded = new Map<string, Folded>();

  const append = (refusal: Refusal, details: AuditEvent['details']) =>
    transaction(db, (trx) => audit.append(trx, eventOf(refusal, details)));

  async function flush(): Promise<void> {
    let failure: unknown;
    for (const [by, each] of Array.from(folded)) {
      // A refusal during the write starts a new count. A failed write is added to it and tried again.
      folded.delete(by);
      try {
        await append(each, { reason: each.reason, attempts: each.attempts });
      } catch (error) {
        folded.set(by, { ...each, attempts: each.attempts + (folded.get(by)?.attempts ?? 0) });
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  return {
    async record(refusal: Refusal): Promise<void> {
      const { policyId, action, reason, details } = refusal;
      const { refused } = await limiter.takeRate(`ci_refusals ${policyId}`, RATE, 1);
      if (!refused) return append(refusal, { reason, ...details });
      const by = `${policyId} ${action} ${reason}`;
      folded.set(by, { ...refusal, attempts: (folded.get(by)?.attempts ?? 0) + 1 });
      if (folded.size > MAX_FOLDED) await flush();
    },

    /** Appends the counted refusals to the audit log. */
    flush,
  };
}

function eventOf({ organizationId, policyId, action, from }: Refusal, details: AuditEvent['details']): AuditEvent {
  return {
    organizationId,
    action,
    actor: { kind: 'ci', id: policyId },
    target: { kind: 'ci_policy', id: policyId },
    requestId: from.requestId,
    ip: from.ip,
    details,
  };
}
