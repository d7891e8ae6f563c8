import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { ActingCaller } from '../http/caller.ts';
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

/** When a revoked key is deleted at WorkOS: now, or by the settler in so many milliseconds. */
type Plan = { isNow: boolean; dueInMs: number };
/** Who revokes a key, and why, if it was not a caller's wish. */
type Revoked = { source: AuditSource; reason?: string; dueInMs: number };
export type KeyRevocation = ReturnType<typeof makeKeyRevocation>;

/** The steps of every revocation of one key: plan the deletion, revoke in a transaction, delete at WorkOS. */
export function makeKeyRevocation(deps: Deps) {
  const { keys, audit, keyChanges, settleAfterMs, at, clock } = deps;
  return {
    async plan(organizationId: string): Promise<Plan> {
      const isNow = await keyChanges.mayNow(organizationId);
      return { isNow, dueInMs: isNow ? settleAfterMs : keyChanges.delayMs(organizationId) };
    },

    /** Revokes a key that is active and locked by the transaction. */
    async here(trx: Knex.Transaction, key: Key, { source, reason, dueInMs }: Revoked): Promise<void> {
      const now = clock();
      await keys.revoke(trx, key, now, new Date(now.getTime() + dueInMs));
      const details = { label: key.label, ...(reason !== undefined && { reason }) };
      await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.revoked', source, details));
    },

    /** Deletes a key at WorkOS once it is revoked here, unless it was imported. A failure is left to the settler. */
    async there(key: Key, { isNow }: Plan): Promise<void> {
      await at('revoke.committed');
      if (isNow && !key.workosDeletedAt && key.origin !== 'imported') await deleteThere(deps, key);
    },
  };
}

/**
 * Revokes a key in the mirror first, so that it stops at once whatever WorkOS does, then deletes it at WorkOS. A deletion
 * that fails, or for which the organization's budget of calls has no room, is left to the settler. Revoking again changes
 * nothing.
 * @throws AppError `api_key_not_found`
 */
export function makeRevokeKey(deps: Deps) {
  const revocation = makeKeyRevocation(deps);
  return async function revokeKey(
    caller: ActingCaller,
    id: string,
    context: RequestContext,
    alsoRecord?: AlsoRecord,
  ): Promise<void> {
    await deps.at('revoke.before');
    const plan = await revocation.plan(caller.organizationId);
    const key = await transaction(deps.db, async (trx) => {
      const found = await deps.keys.lock(trx, caller.organizationId, id, reachOf(caller, 'write'));
      if (!found) throw apiKeyNotFound();
      if (found.revokedAt) return found;
      await revocation.here(trx, found, { source: auditSource(caller, context), dueInMs: plan.dueInMs });
      await alsoRecord?.(trx);
      return found;
    });
    await revocation.there(key, plan);
  };
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
