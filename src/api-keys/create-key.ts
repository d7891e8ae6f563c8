import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { Unsent } from '../db/pipeline.ts';
import { AppError } from '../errors.ts';
import type { ActingCaller, StaffCaller, TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { expiryWithinPlan } from './rules/assert-within-plan.ts';
import type { PlanBounds } from './rules/assert-within-plan.ts';
import type { CheckOwner } from './rules/check-owner.ts';
import { assertHeld } from './rules/key-choice.ts';
import { describeNewKey, keyEvent } from './key-audit.ts';
import type { RequestedExpiry } from './rules/key-expiry.ts';
import type { Counted, KeyRepository } from './rows/key-repository.ts';
import type { Environment, KeySettings, KeyTemplate } from './key.ts';
import type { Provision, ProvisionedKey, Reserved } from './provision-key.ts';

export type Admission = {
  keys: Pick<KeyRepository, 'countTowardsQuota' | 'countOfPerson'>;
  /** Locks the tenant until the transaction ends, and counts under the lock. @throws AppError `billing_inactive` */
  admitCounting: (
    trx: Knex.Transaction,
    organizationId: string,
    count: () => Unsent<Counted>,
  ) => Promise<{ plan: { keyLimit: number } & PlanBounds; found: Counted }>;
  checkOwner: CheckOwner;
  /** Active personal keys that a person may have, in an organization or in all of them together. */
  keysPerUser: { limit: number; within: 'organization' | 'everywhere' };
  /** Enqueues the webhook. */
  publishLimitReached: (
    trx: Knex.Transaction,
    reached: { organizationId: string; environment: Environment; limit: number },
  ) => Promise<void>;
  clock: Clock;
};
type Deps = Admission & {
  provision: (request: Provision) => Promise<ProvisionedKey>;
  audit: AuditLog;
  scopesOf: (permissionSet: string) => readonly string[];
};

export type CreateKeyInput = Pick<KeyTemplate, 'environment' | 'ownerUserId'> & {
  settings: KeySettings;
  permissionSet: string | undefined;
  /** Instead of a set. */
  chosenScopes: readonly string[] | undefined;
  /** Undefined: the plan's default. */
  expiry: RequestedExpiry | undefined;
};

/** Completes an idempotency record; see `idempotency/run-once.ts`. */
export type Repeatable = Pick<Provision, 'rowId' | 'complete'>;

/** Creates a key for one kind of caller. */
export type CreateKey<C = ActingCaller> = (
  caller: C,
  input: CreateKeyInput,
  context: RequestContext,
  repeatable: Repeatable,
) => Promise<ProvisionedKey>;

/**
 * Creates a key from a permission set, or from scopes that the caller holds.
 * @throws AppError `billing_inactive`, `permission_denied` for scopes that the caller does not hold, `validation_error`
 * for what the plan does not include, `key_limit_reached`, `workos_rejected`, `workos_unavailable`
 */
export function makeCreateKey(deps: Deps): CreateKey<TenantCaller | StaffCaller> {
  return async function createKey(caller, input, context, repeatable) {
    const { environment, ownerUserId, settings, permissionSet, chosenScopes } = input;
    if (chosenScopes) assertHeld(caller, chosenScopes);
    return deps.provision({
      name: 'create',
      caller,
      ...(repeatable.rowId !== undefined && { rowId: repeatable.rowId }),
      template: {
        ...settings,
        environment,
        ownerUserId,
        permissionSet,
        scopes: scopesGiven(deps, input),
        expiresAt: undefined,
        rotatedFrom: undefined,
      },
      reserve: (trx) => reserve(deps, trx, caller, input),
      async complete(trx, made) {
        const details = describeNewKey(made.key);
        const source = auditSource(caller, context);
        await deps.audit.append(trx, keyEvent(caller.organizationId, made.key.id, 'api_key.created', source, details));
        await repeatable.complete(trx, made);
      },
    });
  };
}

/** The scopes of a new key: those chosen, or those of its permission set. */
export function scopesGiven(
  { scopesOf }: Pick<Deps, 'scopesOf'>,
  { chosenScopes, permissionSet }: CreateKeyInput,
): readonly string[] {
  return chosenScopes ?? (permissionSet === undefined ? [] : scopesOf(permissionSet));
}

/** Judges a new key while the tenant is locked, and returns its expiry or why there is no place for it. */
export async function reserve(
  { admitCounting, checkOwner, keysPerUser, keys, publishLimitReached, clock }: Admission,
  trx: Knex.Transaction,
  caller: ActingCaller,
  input: CreateKeyInput,
): Promise<Reserved | AppError> {
  const { organizationId } = caller;
  const { ownerUserId, environment, settings, permissionSet, expiry } = input;
  const now = clock();
  const countHere = () => keys.countTowardsQuota(trx, organizationId, input, now);
  const { plan, found } = await admitCounting(trx, organizationId, countHere);
  await checkOwner(trx, caller, ownerUserId);
  const expiresAt = expiryWithinPlan({ ...settings, permissionSet, expiry }, plan, now);
  const { limit, within } = ownerUserId === undefined ? { limit: plan.keyLimit, within: 'organization' } : keysPerUser;
  const used =
    ownerUserId !== undefined && within === 'everywhere'
      ? await keys.countOfPerson(trx, { ownerUserId, environment }, now)
      : Number(found.rows[0]!.count);
  if (used < limit) return { expiresAt };
  // Only the organization's limit is published: a person's own concerns that person.
  if (ownerUserId !== undefined) throw limitOfPerson({ limit, within });
  await publishLimitReached(trx, { organizationId, environment, limit });
  return limitReached(`This organization can have at most ${limit} active keys here.`, { limit });
}

function limitOfPerson({ limit, within }: { limit: number; within: string }): AppError {
  const where = within === 'everywhere' ? 'in all organizations together' : 'here';
  return limitReached(`A person can have at most ${limit} active keys ${where}.`, {
    limit,
    owner: 'user',
    ...(within === 'everywhere' && { within }),
  });
}

function limitReached(message: string, details: object): AppError {
  return new AppError('key_limit_reached', `${message} Revoke one first.`, { details: { ...details } });
}
