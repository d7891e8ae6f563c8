import type { Knex } from 'knex';
import { auditSource } from '../../audit/audit-event.ts';
import type { Actor } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { ActingCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import { keyEvent } from '../key-audit.ts';
import type { Key } from '../key.ts';
import { reachOf } from '../rules/key-access.ts';
import type { KeyRepository } from '../rows/key-repository.ts';
import { isSameActor, lockLivingKey } from './lock-living-key.ts';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'lock' | 'suspend'>;
  audit: AuditLog;
  at: FaultPoint;
  clock: Clock;
};

/**
 * Suspends a key: it is refused from the answer on, until it is resumed. Its expiry goes on, and the quota counts it. WorkOS
 * is not asked. Suspending again changes nothing, unless the key's holder suspended it: then a caller that reaches all keys
 * takes the suspension over, so that the holder cannot end it.
 * @throws AppError `api_key_not_found`, `validation_error` for a key that is revoked or has expired
 */
export function makeSuspendKey({ db, keys, audit, at, clock }: Deps) {
  return async function suspendKey(
    caller: ActingCaller,
    id: string,
    reason: string | undefined,
    context: RequestContext,
  ): Promise<Key> {
    await at('suspend.before');
    const suspended = await transaction(db, async (trx) => {
      const reach = reachOf(caller, 'write');
      const key = await lockLivingKey({ keys, clock }, trx, { organizationId: caller.organizationId, id, reach });
      const source = auditSource(caller, context);
      if (key.suspension && (reach || !isTakenOver(key, source.actor))) return key;
      const after = await keys.suspend(trx, key, { at: clock(), by: source.actor, reason });
      const details = { label: key.label, ...(reason !== undefined && { reason }) };
      await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.suspended', source, details));
      return after;
    });
    await at('suspend.committed');
    return suspended;
  };
}

/** Whether the key's holder, its owner or a job of its CI policy, suspended it, and the actor is another. */
function isTakenOver({ suspension, ownerUserId, origin, createdBy }: Key, actor: Actor): boolean {
  if (!suspension || isSameActor(suspension.by, actor)) return false;
  const holder = origin === 'ci' ? createdBy : { kind: 'user', id: ownerUserId };
  return isSameActor(suspension.by, holder);
}
