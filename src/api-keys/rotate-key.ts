import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { invalidFields } from '../http/validate.ts';
import { successorExpiryWithinPlan } from './assert-within-plan.ts';
import type { PlanBounds } from './assert-within-plan.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import { describeNewKey } from './create-key.ts';
import type { Repeatable } from './create-key.ts';
import type { makeExpireAtWorkos } from './expire-at-workos.ts';
import { apiKeyNotFound } from './find-key.ts';
import { isOwner, onlyOwner } from './check-owner.ts';
import type { CheckOwner } from './check-owner.ts';
import { reachOf } from './key-access.ts';
import { assertHeld, isChosen } from './key-choice.ts';
import type { Choice } from './key-choice.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import type { Inherited } from './rows/key-writer.ts';
import { statusOf } from './key.ts';
import type { Key, KeyTemplate } from './key.ts';
import { expiryMs } from './mirror/mirror-expiry.ts';
import type { Provision, ProvisionedKey } from './provision-key.ts';

type Deps = {
  keys: Pick<KeyRepository, 'find' | 'lock' | 'succeed'>;
  /** Locks the tenant until the transaction ends and judges its billing. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<PlanBounds>;
  checkOwner: CheckOwner;
  provision: (request: Provision) => Promise<ProvisionedKey>;
  expireAtWorkos: ReturnType<typeof makeExpireAtWorkos>;
  catalogue: Choice & Pick<Catalogue, 'expand'>;
  audit: AuditLog;
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
};

/**
 * Replaces a key by a new one with everything the same but the secret. The old one ends after `graceSeconds`, at once
 * for 0, and never before the new one is active. A rotation takes no place of the quota. An end that the plan no longer
 * allows becomes the latest that it does. Of a key from chosen scopes, whoever gets the new secret must hold them. A
 * person's key is replaced by the person alone, who gets the secret. What is changed of the old key meanwhile is changed
 * of the new one; a change of what WorkOS knows, its scopes and its expiry, undoes the rotation.
 * @throws AppError `api_key_not_found`, `validation_error` when the key is not active, already replaced, of a set that
 * the plan no longer has, or changed meanwhile in what WorkOS knows; `permission_denied` for chosen scopes that the caller does not hold
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
    // Only what is read under a lock counts: the key may be changed while it is replaced.
    let old = found;
    let end: Date | undefined;
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
        const isOfChosen = isChosen(old, deps.catalogue);
        return {
          ...templateOf(old),
          expiresAt: successorExpiryWithinPlan({ ...old, isChosen: isOfChosen }, plan, deps.clock()),
        };
      },
      async inherit(trx) {
        const current = await lockRotatable(deps, trx, old);
        assertSameAtWorkos(old, current);
        old = current;
        return inheritedOf(current);
      },
      async complete(trx, successor) {
        end = await succeed(deps, trx, old, successor.key, graceSeconds);
        await recordRotation(deps.audit, trx, { caller, context, old, successor: successor.key, graceSeconds, end });
        await repeatable.complete(trx, successor);
      },
    });
    if (end) await deps.expireAtWorkos(old, end, () => deps.at('rotate.expired'));
    return made;
  };
}

/** @throws AppError `permission_denied` for a caller who may not be given the secret of such a key */
function assertMayHave({ catalogue }: Deps, caller: TenantCaller, key: Key): void {
  if (key.ownerUserId !== undefined && !isOwner(caller, key.ownerUserId)) throw onlyOwner();
  if (catalogue.chosenScopes.length > 0 && key.permissionSet === undefined)
    assertHeld(caller, catalogue.expand(key.scopes));
}

/**
 * WorkOS has the successor with the scopes and the expiry of its reservation, which no row here takes back.
 * @throws AppError `validation_error` when the key has others by now
 */
function assertSameAtWorkos(reserved: Key, current: Key): void {
  const held = new Set(current.scopes);
  const isSame =
    expiryMs(current.expiresAt) === expiryMs(reserved.expiresAt) &&
    current.permissionSet === reserved.permissionSet &&
    held.size === new Set(reserved.scopes).size &&
    reserved.scopes.every((scope) => held.has(scope));
  if (!isSame) throw invalidFields({ id: 'The scopes or the expiry of this key changed meanwhile. Rotate it again.' });
}

function templateOf({ id, ...old }: Key): KeyTemplate {
  const { environment, ownerUserId, label, description, metadata, permissionSet, scopes, ...rest } = old;
  const { expiresAt, rateLimit, concurrency, ipAllowList } = rest;
  const what = { environment, ownerUserId, label, description, metadata, permissionSet, scopes };
  return { ...what, expiresAt, rateLimit, concurrency, ipAllowList, rotatedFrom: id };
}

function inheritedOf({ label, description, metadata, rateLimit, concurrency, ipAllowList }: Key): Inherited {
  return { label, description, metadata, rateLimit, concurrency, ipAllowList };
}

async function lockRotatable({ keys, clock }: Deps, trx: Knex.Transaction, { organizationId, id }: Key): Promise<Key> {
  const key = await keys.lock(trx, organizationId, id);
  if (!key) throw apiKeyNotFound();
  const status = statusOf(key, clock());
  if (status !== 'active') throw invalidFields({ id: `This key is ${status}. Create a new one instead.` });
  if (key.rotatedTo !== undefined)
    throw invalidFields({ id: `This key was replaced by ${key.rotatedTo}. Rotate that one.` });
  return key;
}

/** @param current held by the transaction */
async function succeed(
  { keys, clock, settleAfterMs }: Deps,
  trx: Knex.Transaction,
  current: Key,
  successor: Key,
  graceSeconds: number,
): Promise<Date> {
  const now = clock();
  const graceEnd = new Date(now.getTime() + graceSeconds * 1_000);
  const end = current.expiresAt && current.expiresAt < graceEnd ? current.expiresAt : graceEnd;
  await keys.succeed(trx, current, successor.id, end, now, new Date(now.getTime() + settleAfterMs));
  return end;
}

type Rotation = {
  caller: TenantCaller;
  context: RequestContext;
  old: Key;
  successor: Key;
  graceSeconds: number;
  end: Date;
};

async function recordRotation(audit: AuditLog, trx: Knex.Transaction, rotation: Rotation): Promise<void> {
  const { caller, context, old, successor, graceSeconds, end } = rotation;
  const event = { ...auditSource(caller, context), organizationId: old.organizationId };
  await audit.append(trx, {
    ...event,
    action: 'api_key.created',
    target: { kind: 'api_key', id: successor.id },
    details: describeNewKey(successor),
  });
  await audit.append(trx, {
    ...event,
    action: 'api_key.rotated',
    target: { kind: 'api_key', id: old.id },
    details: { rotated_to: successor.id, grace_seconds: graceSeconds, expires_at: end.toISOString() },
  });
}
