import type { Knex } from 'knex';
import { auditSource } from '../../audit/audit-event.ts';
import type { Actor, AuditSource } from '../../audit/audit-event.ts';
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

type Suspending = { keys: Pick<KeyRepository, 'suspend'>; audit: Pick<AuditLog, 'append'>; clock: Clock };
type Deps = Suspending & {
  db: Knex;
  keys: Pick<KeyRepository, 'lock'>;
  at: FaultPoint;
};

/** Who suspends a key, and why, if they say so. */
type Suspended = { source: AuditSource; reason: string | undefined };
export type SuspendHere = ReturnType<typeof makeSuspendHere>;

/**
 * Suspends an active key that the transaction has locked. One that is suspended stays as it is, unless its holder suspended
 * it: then another actor takes the suspension over, so that the holder cannot end it.
 */
export function makeSuspendHere({ keys, audit, clock }: Suspending) {
  return async function suspendHere(trx: Knex.Transaction, key: Key, { source, reason }: Suspended): Promise<Key> {
    if (!isSuspendable(key, source.actor)) return key;
    const after = await keys.suspend(trx, key, { at: clock(), by: source.actor, reason });
    const details = { label: key.label, ...(reason !== undefined && { reason }) };
    await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.suspended', source, details));
    return after;
  };
}

/** Whether an actor that reaches all keys may suspend a key: it is not suspended, or by its holder alone. */
export function isSuspendable(key: Key, actor: Actor): boolean {
  return !key.suspension || isTakenOver(key, actor);
}

/**
 * Suspends a key: it is refused from the answer on, until it is resumed. Its expiry goes on, and the quota counts it. WorkOS
 * is not asked. Suspending again changes nothing, unless the key's holder suspended it: then a caller that reaches all keys
 * takes the suspension over, so that the holder cannot end it.
 * @throws AppError `api_key_not_found`, `validation_error` for a key that is revoked or has expired
 */
export function makeSuspendKey(deps: Deps) {
  const { db, keys, at, clock } = deps;
  const suspendHere = makeSuspendHere(deps);
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
      return key.suspension && reach ? key : suspendHere(trx, key, { source, reason });
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
