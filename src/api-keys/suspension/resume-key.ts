import type { Knex } from 'knex';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { ActingCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import { keyEvent } from '../key-audit.ts';
import type { Key } from '../key.ts';
import { reachOf } from '../rules/key-access.ts';
import type { KeyChanges } from '../rules/key-changes.ts';
import type { KeyRepository } from '../rows/key-repository.ts';
import { isSameActor, lockLivingKey } from './lock-living-key.ts';

type Deps = {
  db: Knex;
  keyChanges: Pick<KeyChanges, 'count'>;
  keys: Pick<KeyRepository, 'lock' | 'resume'>;
  audit: AuditLog;
  at: FaultPoint;
  clock: Clock;
};

/**
 * Ends the suspension of a key, which works again with all it had. A caller that reaches some keys alone (their owner, a CI
 * session) ends its own suspensions alone. Resuming a key that is not suspended changes nothing.
 * @throws AppError `rate_limited`, `api_key_not_found`, `permission_denied` for a suspension by another caller, `validation_error` for a key
 * that is revoked or has expired
 */
export function makeResumeKey({ db, keyChanges, keys, audit, at, clock }: Deps) {
  return async function resumeKey(caller: ActingCaller, id: string, context: RequestContext): Promise<Key> {
    await at('resume.before');
    // Each suspension needs a resumption before it: the budget of one bounds both, and no suspension is refused.
    await keyChanges.count(caller.organizationId);
    const resumed = await transaction(db, async (trx) => {
      const reach = reachOf(caller, 'write');
      const key = await lockLivingKey({ keys, clock }, trx, { organizationId: caller.organizationId, id, reach });
      const { suspension } = key;
      if (!suspension) return key;
      const source = auditSource(caller, context);
      if (reach && !isSameActor(suspension.by, source.actor)) throw ofAnother();
      const after = await keys.resume(trx, key, clock());
      const details = { label: key.label, suspended_at: suspension.at.toISOString() };
      await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.resumed', source, details));
      return after;
    });
    await at('resume.committed');
    return resumed;
  };
}

function ofAnother(): AppError {
  return new AppError(
    'permission_denied',
    'Another caller suspended this key. Have it resumed by that caller, or by one that may change all keys.',
  );
}
