import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { expiryWithinPlan } from './assert-within-plan.ts';
import type { PlanBounds } from './assert-within-plan.ts';
import type { CheckOwner } from './check-owner.ts';
import { assertHeld } from './key-choice.ts';
import type { RequestedExpiry } from './key-expiry.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import { viewOwner, viewRateLimit } from './key-schemas.ts';
import type { Environment, Key, KeyTemplate } from './key.ts';
import type { Provision, ProvisionedKey, Reserved } from './provision-key.ts';

type Deps = {
  keys: Pick<KeyRepository, 'countTowardsQuota'>;
  /** Locks the tenant until the transaction ends and judges its billing. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<{ keyLimit: number } & PlanBounds>;
  checkOwner: CheckOwner;
  /** Active keys that a person may have in an organization. */
  keysPerUser: number;
  provision: (request: Provision) => Promise<ProvisionedKey>;
  /** Tells others that the organization has as many keys as it may. */
  tellLimitReached: (
    trx: Knex.Transaction,
    reached: { organizationId: string; environment: Environment; limit: number },
  ) => Promise<void>;
  audit: AuditLog;
  scopesOf: (permissionSet: string) => readonly string[];
  clock: Clock;
};

export type CreateKeyInput = Omit<KeyTemplate, 'scopes' | 'rotatedFrom' | 'permissionSet' | 'expiresAt'> & {
  permissionSet: string | undefined;
  /** Instead of a set. */
  chosenScopes: readonly string[] | undefined;
  /** Undefined: as is usual. */
  end: RequestedExpiry | undefined;
};

/** How a request that may be repeated keeps its place; see `idempotency/`. */
export type Repeatable = Pick<Provision, 'rowId' | 'complete'>;

/**
 * Makes a key from a permission set, or from scopes that its maker holds.
 * @throws AppError `billing_inactive`, `permission_denied` for scopes that the caller does not hold, `validation_error`
 * for what the plan does not have, `key_limit_reached`, `workos_rejected`, `workos_unavailable`
 */
export function makeCreateKey(deps: Deps) {
  return async function createKey(
    caller: TenantCaller,
    input: CreateKeyInput,
    context: RequestContext,
    repeatable: Repeatable,
  ): Promise<ProvisionedKey> {
    const { permissionSet, chosenScopes, end: _end, ...given } = input;
    if (chosenScopes) assertHeld(caller, chosenScopes);
    return deps.provision({
      name: 'create',
      caller,
      ...(repeatable.rowId !== undefined && { rowId: repeatable.rowId }),
      template: {
        ...given,
        permissionSet,
        scopes: chosenScopes ?? (permissionSet === undefined ? [] : deps.scopesOf(permissionSet)),
        expiresAt: undefined,
        rotatedFrom: undefined,
      },
      reserve: (trx) => reserve(deps, trx, caller, input),
      async complete(trx, made) {
        await deps.audit.append(trx, {
          ...auditSource(caller, context),
          organizationId: caller.organizationId,
          action: 'api_key.created',
          target: { kind: 'api_key', id: made.key.id },
          details: describeNewKey(made.key),
        });
        await repeatable.complete(trx, made);
      },
    });
  };
}

async function reserve(
  { admit, checkOwner, keysPerUser, keys, tellLimitReached, clock }: Deps,
  trx: Knex.Transaction,
  caller: TenantCaller,
  input: CreateKeyInput,
): Promise<Reserved | AppError> {
  const { organizationId } = caller;
  const { ownerUserId, environment } = input;
  const { keyLimit, ...plan } = await admit(trx, organizationId);
  await checkOwner(trx, caller, ownerUserId);
  const now = clock();
  const expiresAt = expiryWithinPlan(input, plan, now);
  const limit = ownerUserId === undefined ? keyLimit : keysPerUser;
  const used = await keys.countTowardsQuota(trx, organizationId, input, now);
  if (used < limit) return { expiresAt };
  // A person's own limit is nobody else's concern.
  if (ownerUserId !== undefined) throw limitReached('A person', { limit, owner: 'user' });
  await tellLimitReached(trx, { organizationId, environment, limit });
  return limitReached('This organization', { limit });
}

function limitReached(who: string, details: { limit: number; owner?: 'user' }): AppError {
  const message = `${who} may have ${details.limit} active keys here. Revoke one first.`;
  return new AppError('key_limit_reached', message, { details });
}

/** What the audit log keeps of a new key. */
export function describeNewKey(key: Key): Record<string, unknown> {
  return {
    label: key.label,
    permission_set: key.permissionSet ?? null,
    scopes: [...key.scopes],
    expires_at: key.expiresAt?.toISOString() ?? null,
    ...(key.environment === 'test' && { environment: key.environment }),
    ...(key.ownerUserId !== undefined && { owner: viewOwner(key) }),
    ...(key.rateLimit && { rate_limit: viewRateLimit(key.rateLimit) }),
    ...(key.concurrency !== undefined && { concurrency: key.concurrency }),
    ...(key.ipAllowList.length > 0 && { ip_allow_list: [...key.ipAllowList] }),
    ...(key.rotatedFrom !== undefined && { rotated_from: key.rotatedFrom }),
  };
}
