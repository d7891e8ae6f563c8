import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import type { KeyGateway } from '../workos/test-environment-gateway.ts';
import { apiKeyNotFound } from './find-key.ts';
import { reachOf } from './key-access.ts';
import type { KeyChanges } from './key-changes.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import type { Key } from './key.ts';
import type { UnsettledKeys } from './rows/unsettled-keys.ts';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'lock' | 'revoke'>;
  unsettled: Pick<UnsettledKeys, 'confirmDeleted'>;
  audit: AuditLog;
  workosOf: (environment: Key['environment']) => Pick<KeyGateway, 'deleteKey'>;
  keyChanges: Pick<KeyChanges, 'mayNow' | 'delayMs'>;
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/**
 * Revokes here first, so that the key stops at once whatever WorkOS does, then deletes it there. A deletion that WorkOS
 * did not confirm, or that WorkOS has no room for now, is left on the row and tried later. Revoking again is the same
 * answer.
 * @throws AppError `api_key_not_found`
 */
export function makeRevokeKey(deps: Deps) {
  return async function revokeKey(caller: TenantCaller, id: string, context: RequestContext): Promise<void> {
    await deps.at('revoke.before');
    const { organizationId } = caller;
    const isNow = await deps.keyChanges.mayNow(organizationId);
    const dueInMs = isNow ? deps.settleAfterMs : deps.keyChanges.delayMs(organizationId);
    const key = await revokeHere(deps, caller, id, context, dueInMs);
    await deps.at('revoke.committed');
    if (isNow && !key.workosDeletedAt) await deleteThere(deps, key);
  };
}

function revokeHere(
  { db, keys, audit, clock }: Deps,
  caller: TenantCaller,
  id: string,
  context: RequestContext,
  dueInMs: number,
): Promise<Key> {
  return transaction(db, async (trx) => {
    const key = await keys.lock(trx, caller.organizationId, id, reachOf(caller, 'write'));
    if (!key) throw apiKeyNotFound();
    if (key.revokedAt) return key;
    const now = clock();
    await keys.revoke(trx, key, now, new Date(now.getTime() + dueInMs));
    await audit.append(trx, {
      ...auditSource(caller, context),
      organizationId: key.organizationId,
      action: 'api_key.revoked',
      target: { kind: 'api_key', id: key.id },
      details: { label: key.label },
    });
    return key;
  });
}

async function deleteThere({ workosOf, unsettled, at, clock, log }: Deps, key: Key): Promise<void> {
  try {
    await workosOf(key.environment).deleteKey(key.id);
    await at('revoke.deleted');
    await unsettled.confirmDeleted(key, clock());
  } catch (error) {
    log.warn({ err: error, key_id: key.id }, 'a revoked key is not yet deleted at WorkOS');
  }
}
