import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { assertWithinPlan } from './assert-within-plan.ts';
import type { LimitMaximum } from './assert-within-plan.ts';
import type { makeExpireAtWorkos } from './expire-at-workos.ts';
import { apiKeyNotFound } from './find-key.ts';
import { assertMovable } from './key-expiry.ts';
import type { RequestedExpiry, ExpiryRules } from './key-expiry.ts';
import { reachOf } from './key-access.ts';
import type { KeyChanges } from './key-changes.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import { viewRateLimit } from './key-schemas.ts';
import type { KeyChange } from './rows/key-writer.ts';
import type { Key } from './key.ts';
import { expiryMs } from './mirror/mirror-expiry.ts';

type Deps = {
  db: Knex;
  keys: KeyRepository;
  /** Locks the tenant until the transaction ends and judges its billing. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<LimitMaximum & ExpiryRules>;
  expireAtWorkos: ReturnType<typeof makeExpireAtWorkos>;
  keyChanges: Pick<KeyChanges, 'admit'>;
  audit: AuditLog;
  /** Whether the end of a key may be moved out. */
  extendsKeys: boolean;
  settleAfterMs: number;
  clock: Clock;
};

export type UpdateKeyInput = Omit<KeyChange, 'end'> & { end?: RequestedExpiry | undefined };

/**
 * Changes what people call a key, how much and from where it may be used and when it ends; what it may do never changes.
 * @throws AppError `api_key_not_found`, `validation_error` for limits beyond the plan's, and for an end that may not be
 */
export function makeUpdateKey(deps: Deps) {
  return async function updateKey(
    caller: TenantCaller,
    id: string,
    input: UpdateKeyInput,
    context: RequestContext,
  ): Promise<Key> {
    if (input.end) await deps.keyChanges.admit(caller.organizationId);
    const { after, moved } = await transaction(deps.db, (trx) => change(deps, trx, { caller, id, input, context }));
    // A crash before this is made good by whoever looks at the row's `due_at`.
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
  const { end: asked, ...wanted } = input;
  const plan = wanted.rateLimit || wanted.concurrency || asked ? await admit(trx, caller.organizationId) : undefined;
  if (plan) assertWithinPlan(wanted, plan);
  const before = await keys.lock(trx, caller.organizationId, id, reachOf(caller, 'write'));
  if (!before) throw apiKeyNotFound();
  const now = clock();
  if (asked && plan) assertMovable(before, asked, plan, deps.extendsKeys, now);
  const moved = asked !== undefined && expiryMs(asked.at) !== expiryMs(before.expiresAt);
  const end = moved
    ? { expiresAt: asked.at ?? undefined, dueAt: new Date(now.getTime() + deps.settleAfterMs) }
    : undefined;
  const after = await keys.update(trx, before, { ...wanted, end }, now);
  await audit.append(trx, {
    ...auditSource(caller, context),
    organizationId: before.organizationId,
    action: 'api_key.updated',
    target: { kind: 'api_key', id },
    details: describeChange(wanted, moved ? { before, after } : undefined),
  });
  return { after, moved };
}

function describeChange(
  { rateLimit, concurrency, ipAllowList, ...texts }: Omit<KeyChange, 'end'>,
  moved: { before: Key; after: Key } | undefined,
): Record<string, unknown> {
  const changed = [
    ...Object.keys(texts),
    ...(rateLimit === undefined ? [] : ['rate_limit']),
    ...(concurrency === undefined ? [] : ['concurrency']),
    ...(ipAllowList ? ['ip_allow_list'] : []),
    ...(moved ? ['expires_at'] : []),
  ];
  return {
    changed,
    ...(rateLimit !== undefined && { rate_limit: rateLimit && viewRateLimit(rateLimit) }),
    ...(concurrency !== undefined && { concurrency }),
    ...(ipAllowList && { ip_allow_list: [...ipAllowList] }),
    ...(moved && { expires_at: { before: isoOf(moved.before), after: isoOf(moved.after) } }),
  };
}

function isoOf({ expiresAt }: Key): string | null {
  return expiresAt?.toISOString() ?? null;
}
