import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { OrganizationCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import type { KeyGateway } from '../workos/gateway.ts';
import { apiKeyNotFound } from './find-key.ts';
import { reachOf } from './rules/key-access.ts';
import { keyEvent } from './key-audit.ts';
import type { KeyChanges } from './rules/key-changes.ts';
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

/** Records more in the transaction that revokes an active key. */
type AlsoRecord = (trx: Knex.Transaction) => Promise<void>;
type Revocation = {
  caller: OrganizationCaller;
  id: string;
  context: RequestContext;
  alsoRecord: AlsoRecord | undefined;
};

/**
 * Revokes a key in the mirror first, so that it stops at once whatever WorkOS does, then deletes it at WorkOS. A deletion
 * that fails, or for which the organization's budget of calls has no room, is left to the settler. Revoking again changes
 * nothing.
 * @throws AppError `api_key_not_found`
 */
export function makeRevokeKey(deps: Deps) {
  return async function revokeKey(
    caller: OrganizationCaller,
    id: string,
    context: RequestContext,
    alsoRecord?: AlsoRecord,
  ): Promise<void> {
    await deps.at('revoke.before');
    const { organizationId } = caller;
    const isNow = await deps.keyChanges.mayNow(organizationId);
    const dueInMs = isNow ? deps.settleAfterMs : deps.keyChanges.delayMs(organizationId);
    const key = await revokeHere(deps, { caller, id, context, alsoRecord }, dueInMs);
    await deps.at('revoke.committed');
    if (isNow && !key.workosDeletedAt) await deleteThere(deps, key);
  };
}

function revokeHere(
  { db, keys, audit, clock }: Deps,
  { caller, id, context, alsoRecord }: Revocation,
  dueInMs: number,
): Promise<Key> {
  return transaction(db, async (trx) => {
    const key = await keys.lock(trx, caller.organizationId, id, reachOf(caller, 'write'));
    if (!key) throw apiKeyNotFound();
    if (key.revokedAt) return key;
    const now = clock();
    await keys.revoke(trx, key, now, new Date(now.getTime() + dueInMs));
    const source = auditSource(caller, context);
    await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.revoked', source, { label: key.label }));
    await alsoRecord?.(trx);
    return key;
  });
}

async function deleteThere({ workosOf, unsettled, at, clock, log }: Deps, key: Key): Promise<void> {
  try {
    await workosOf(key.environment).deleteKey(key.id);
    await at('revoke.deleted');
    await unsettled.confirmDeleted(key, clock());
  } catch (error) {
    log.warn({ err: error, key_id: key.id }, 'failed to delete revoked key at WorkOS; leaving it to the settler');
  }
}
