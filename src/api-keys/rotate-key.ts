import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { invalidFields } from '../http/validate.ts';
import { successorExpiryWithinPlan } from './rules/assert-within-plan.ts';
import type { PlanBounds } from './rules/assert-within-plan.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Repeatable } from './create-key.ts';
import type { makeExpireAtWorkos } from './expire-at-workos.ts';
import { apiKeyNotFound } from './find-key.ts';
import { isOwner, onlyOwner } from './rules/check-owner.ts';
import type { CheckOwner } from './rules/check-owner.ts';
import { reachOf } from './rules/key-access.ts';
import { describeNewKey, keyEvent } from './key-audit.ts';
import { assertHeld, isChosen } from './rules/key-choice.ts';
import type { Choice } from './rules/key-choice.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import { settingsOf, statusOf } from './key.ts';
import type { Key, KeyTemplate } from './key.ts';
import { expiryMs } from './mirror/mirror-expiry.ts';
import type { Provision, ProvisionedKey } from './provision-key.ts';

type Deps = {
  keys: Pick<KeyRepository, 'find' | 'lock' | 'succeed'>;
  /** Locks the tenant until the transaction ends. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<PlanBounds>;
  checkOwner: CheckOwner;
  provision: (request: Provision) => Promise<ProvisionedKey>;
  expireAtWorkos: ReturnType<typeof makeExpireAtWorkos>;
  catalogue: Choice & Pick<Catalogue, 'expand' | 'rotationRenews'>;
  audit: AuditLog;
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
};

/**
 * Replaces a key by one that differs in the secret alone.
 * - The old key expires after `graceSeconds`, at once for 0, and never before the successor is active.
 * - The quota counts the two as one.
 * - The successor expires when the old key would have, or, where the product renews, after its lifetime; never later than
 *   the plan allows.
 * - Chosen scopes go only to a caller who holds them, a personal key only to its owner.
 * - Settings that are changed during the rotation are changed on the successor, too. A change of what WorkOS stores
 *   (scopes, expiry) undoes the rotation.
 * @throws AppError `api_key_not_found`; `api_key_suspended`; `validation_error` for a key that is revoked, expired, already replaced, of a set that
 * the plan no longer includes, or changed at WorkOS meanwhile; `permission_denied` for chosen scopes that the caller does
 * not hold
 */
export function makeRotateKey(deps: Deps) {
  return async function rotateKey(
    caller: TenantCaller,
    id: string,
    graceSeconds: number,
    context: RequestContext,
    repeatable: Repeatable,
  ): Promise<ProvisionedKey> {
    const found = await deps.keys.find(caller.organizationId, id, reachOf(caller, 'write'));
    if (!found) throw apiKeyNotFound();
    assertMayHave(deps, caller, found);
    // Each transaction reads the key again under a lock: it may be changed during the rotation.
    let old = found;
    let expiresAt: Date | undefined;
    const made = await deps.provision({
      name: 'rotate',
      caller,
      ...(repeatable.rowId !== undefined && { rowId: repeatable.rowId }),
      template: templateOf(found),
      async reserve(trx) {
        const plan = await deps.admit(trx, caller.organizationId);
        await deps.checkOwner(trx, caller, found.ownerUserId);
        old = await lockRotatable(deps, trx, found);
        assertMayHave(deps, caller, old);
        const now = deps.clock();
        const expiresAt = deps.catalogue.rotationRenews ? renewedExpiry(old, now) : old.expiresAt;
        const isOfChosen = isChosen(old, deps.catalogue);
        const { permissionSet } = old;
        return {
          ...templateOf(old),
          expiresAt: successorExpiryWithinPlan({ permissionSet, expiresAt, isChosen: isOfChosen }, plan, now),
        };
      },
      async inherit(trx) {
        const current = await lockRotatable(deps, trx, old);
        assertSameAtWorkos(old, current);
        old = current;
        return settingsOf(current);
      },
      async complete(trx, successor) {
        expiresAt = await succeed(deps, trx, old, successor.key, graceSeconds);
        const rotation = { old, successor: successor.key, graceSeconds, expiresAt };
        await recordRotation(deps.audit, trx, auditSource(caller, context), rotation);
        await repeatable.complete(trx, successor);
      },
    });
    if (expiresAt) await deps.expireAtWorkos(old, expiresAt, () => deps.at('rotate.expired'));
    return made;
  };
}

/** @throws AppError `permission_denied` for a caller who may not have the successor's secret */
function assertMayHave({ catalogue }: Deps, caller: TenantCaller, key: Key): void {
  if (key.ownerUserId !== undefined && !isOwner(caller, key.ownerUserId)) throw onlyOwner();
  if (catalogue.chosenScopes.length > 0 && key.permissionSet === undefined)
    assertHeld(caller, catalogue.expand(key.scopes));
}

/**
 * Compares what WorkOS stores: the successor was issued with the scopes and expiry that were reserved.
 * @throws AppError `validation_error` when the old key has others by now
 */
function assertSameAtWorkos(reserved: Key, current: Key): void {
  const held = new Set(current.scopes);
  const isSame =
    expiryMs(current.expiresAt) === expiryMs(reserved.expiresAt) &&
    current.permissionSet === reserved.permissionSet &&
    held.size === new Set(reserved.scopes).size &&
    reserved.scopes.every((scope) => held.has(scope));
  if (!isSame)
    throw invalidFields({ id: 'The scopes or the expiry of this key changed during the rotation. Rotate it again.' });
}

/** After the lifetime that a key had. */
function renewedExpiry({ createdAt, expiresAt }: Key, now: Date): Date | undefined {
  return expiresAt && new Date(now.getTime() + expiresAt.getTime() - createdAt.getTime());
}

function templateOf(key: Key): KeyTemplate {
  const { environment, ownerUserId, permissionSet, scopes, expiresAt } = key;
  return { ...settingsOf(key), environment, ownerUserId, permissionSet, scopes, expiresAt, rotatedFrom: key.id };
}

async function lockRotatable({ keys, clock }: Deps, trx: Knex.Transaction, { organizationId, id }: Key): Promise<Key> {
  const key = await keys.lock(trx, organizationId, id);
  if (!key) throw apiKeyNotFound();
  const status = statusOf(key, clock());
  if (status === 'suspended') throw suspended();
  if (status !== 'active') throw invalidFields({ id: `This key is ${status}. Create a new one instead.` });
  if (key.origin === 'ci') throw invalidFields({ id: 'A key of a CI job cannot be rotated. Exchange a new token.' });
  if (key.rotatedTo !== undefined)
    throw invalidFields({ id: `This key was already replaced by ${key.rotatedTo}. Rotate that one.` });
  return key;
}

function suspended(): AppError {
  return new AppError('api_key_suspended', 'This key is suspended. Resume it first, or create a new one.');
}

/** @param current locked by the transaction. @returns the old key's expiry */
async function succeed(
  { keys, clock, settleAfterMs }: Deps,
  trx: Knex.Transaction,
  current: Key,
  successor: Key,
  graceSeconds: number,
): Promise<Date> {
  const now = clock();
  const graceEnd = new Date(now.getTime() + graceSeconds * 1_000);
  const expiresAt = current.expiresAt && current.expiresAt < graceEnd ? current.expiresAt : graceEnd;
  await keys.succeed(trx, current, successor.id, expiresAt, now, new Date(now.getTime() + settleAfterMs));
  return expiresAt;
}

type Rotation = {
  old: Key;
  successor: Key;
  graceSeconds: number;
  expiresAt: Date;
};

async function recordRotation(
  audit: AuditLog,
  trx: Knex.Transaction,
  source: AuditSource,
  { old, successor, graceSeconds, expiresAt }: Rotation,
): Promise<void> {
  const { organizationId } = old;
  const details = { rotated_to: successor.id, grace_seconds: graceSeconds, expires_at: expiresAt.toISOString() };
  await audit.append(trx, keyEvent(organizationId, successor.id, 'api_key.created', source, describeNewKey(successor)));
  await audit.append(trx, keyEvent(organizationId, old.id, 'api_key.rotated', source, details));
}
