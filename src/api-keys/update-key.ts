import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { assertWithinPlan } from './rules/assert-within-plan.ts';
import type { LimitMaximum } from './rules/assert-within-plan.ts';
import type { makeExpireAtWorkos } from './expire-at-workos.ts';
import { apiKeyNotFound } from './find-key.ts';
import { assertMovable } from './rules/key-expiry.ts';
import type { ExpiryRules, RequestedExpiry } from './rules/key-expiry.ts';
import { reachOf } from './rules/key-access.ts';
import { describeChange, keyEvent } from './key-audit.ts';
import type { KeyChanges } from './rules/key-changes.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import type { KeyChange } from './rows/key-writer.ts';
import type { Key } from './key.ts';
import { expiryMs } from './mirror/mirror-expiry.ts';

type Deps = {
  db: Knex;
  keys: KeyRepository;
  /** Locks the tenant until the transaction ends. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<LimitMaximum & ExpiryRules>;
  expireAtWorkos: ReturnType<typeof makeExpireAtWorkos>;
  keyChanges: Pick<KeyChanges, 'admit' | 'count'>;
  audit: AuditLog;
  /** Whether the configuration lets an expiry be moved later. */
  extendsKeys: boolean;
  settleAfterMs: number;
  clock: Clock;
};

export type UpdateKeyInput = Pick<KeyChange, 'settings'> & { expiry: RequestedExpiry | undefined };

/**
 * Changes a key's settings and expiry. Its scopes never change.
 * @throws AppError `rate_limited`, `api_key_not_found`, `validation_error` for limits beyond the plan's and for an expiry out of bounds
 */
export function makeUpdateKey(deps: Deps) {
  return async function updateKey(
    caller: TenantCaller,
    id: string,
    input: UpdateKeyInput,
    context: RequestContext,
  ): Promise<Key> {
    if (input.expiry) await deps.keyChanges.admit(caller.organizationId);
    else await deps.keyChanges.count(caller.organizationId);
    const { after, moved } = await transaction(deps.db, (trx) => change(deps, trx, { caller, id, input, context }));
    // After a crash here the settler does this, at the row's `due_at`.
    if (moved) await deps.expireAtWorkos(after, after.expiresAt);
    return after;
  };
}

type Request = { caller: TenantCaller; id: string; input: UpdateKeyInput; context: RequestContext };

async function change(
  deps: Deps,
  trx: Knex.Transaction,
  { caller, id, input, context }: Request,
): Promise<{ after: Key; moved: boolean }> {
  const { keys, admit, audit, clock } = deps;
  const { settings, expiry } = input;
  const plan =
    settings.rateLimit || settings.concurrency || expiry ? await admit(trx, caller.organizationId) : undefined;
  if (plan) assertWithinPlan(settings, plan);
  const before = await keys.lock(trx, caller.organizationId, id, reachOf(caller, 'write'));
  if (!before) throw apiKeyNotFound();
  const now = clock();
  if (expiry && plan) assertMovable(before, expiry, plan, deps.extendsKeys, now);
  const moved = expiry !== undefined && expiryMs(expiry.at) !== expiryMs(before.expiresAt);
  const newExpiry = moved
    ? { expiresAt: expiry.at ?? undefined, dueAt: new Date(now.getTime() + deps.settleAfterMs) }
    : undefined;
  const after = await keys.update(trx, before, { settings, expiry: newExpiry }, now);
  const details = describeChange(settings, after, moved ? before : undefined);
  const source = auditSource(caller, context);
  await audit.append(trx, keyEvent(before.organizationId, id, 'api_key.updated', source, details));
  return { after, moved };
}
