import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { auditSource } from '../audit/audit-log.ts';
import type { AuditEvent, AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { callerId } from '../http/caller.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { ulid } from '../ids.ts';
import { WorkosFailure } from '../workos/failure.ts';
import type { IssuedKey, WorkosGateway } from '../workos/gateway.ts';
import type { KeyRepository } from './key-repository.ts';
import type { NewKey } from './key-writer.ts';
import type { Key } from './key.ts';
import type { Marker } from './marker.ts';

type Deps = {
  db: Knex;
  /** Locks the tenant until the transaction ends and judges its billing. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<{ keyLimit: number }>;
  keys: KeyRepository;
  audit: AuditLog;
  workos: Pick<WorkosGateway, 'createOrganizationKey' | 'deleteKey'>;
  scopesOf: (permissionSet: string) => readonly string[];
  marker: Pick<Marker, 'mark'>;
  hashKey: (secret: string) => Buffer;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

export type CreateKeyInput = Pick<Key, 'label' | 'description' | 'metadata' | 'permissionSet' | 'expiresAt'>;
export type CreatedKey = { key: Key; value: string };

/**
 * Makes a key in three steps: a row that claims the place, the key at WorkOS outside any transaction, the row made
 * active. Whatever fails, no key stays at WorkOS that the mirror does not know or cannot find by its marker.
 * @throws AppError `billing_inactive`, `key_limit_reached`, `workos_rejected`, `workos_unavailable`
 */
export function makeCreateKey(deps: Deps) {
  return async function createKey(
    caller: TenantCaller,
    input: CreateKeyInput,
    context: RequestContext,
  ): Promise<CreatedKey> {
    const now = deps.clock();
    const key: NewKey = {
      ...input,
      organizationId: caller.organizationId,
      rowId: ulid(now),
      scopes: deps.scopesOf(input.permissionSet),
      createdBy: { kind: caller.kind, id: callerId(caller) },
      createdAt: now,
    };
    await reserve(deps, key);
    const issued = await issue(deps, key);
    const source = auditSource(caller, context);
    return { key: await activateOrUndo(deps, key, issued, source), value: issued.value };
  };
}

async function reserve({ db, admit, keys }: Deps, key: NewKey): Promise<void> {
  await db.transaction(async (trx) => {
    const { keyLimit: limit } = await admit(trx, key.organizationId);
    const used = await keys.countTowardsQuota(trx, key.organizationId, key.createdAt);
    if (used >= limit) {
      throw new AppError('key_limit_reached', `This organization may have ${limit} active keys. Revoke one first.`, {
        details: { limit },
      });
    }
    await keys.insertProvisioning(trx, key);
  });
}

async function issue(deps: Deps, key: NewKey): Promise<IssuedKey> {
  const { organizationId, rowId, scopes, expiresAt } = key;
  const name = deps.marker.mark(key.label, organizationId, rowId);
  try {
    return await deps.workos.createOrganizationKey({ organizationId, name, permissions: scopes, expiresAt });
  } catch (error) {
    // When the outcome is unknown the row stays: it is what the key at WorkOS, if there is one, will be found by.
    if (error instanceof WorkosFailure && error.outcome === 'refused') await endRow(deps, key);
    throw error;
  }
}

async function activateOrUndo(
  deps: Deps,
  key: NewKey,
  issued: IssuedKey,
  source: Pick<AuditEvent, 'actor' | 'requestId' | 'ip'>,
): Promise<Key> {
  try {
    return await activate(deps, key, issued, source);
  } catch (error) {
    // The answer to a commit can be lost: what the row says now is what counts.
    const committed = await deps.keys.find(key.organizationId, issued.id).catch(() => undefined);
    if (committed) return committed;
    await undo(deps, key, issued);
    throw error;
  }
}

function activate(
  { db, keys, audit, hashKey, clock }: Deps,
  key: NewKey,
  issued: IssuedKey,
  source: Pick<AuditEvent, 'actor' | 'requestId' | 'ip'>,
): Promise<Key> {
  return db.transaction(async (trx) => {
    const what = { workosId: issued.id, prefix: issued.obfuscatedValue, secretHash: hashKey(issued.value) };
    const active = await keys.activate(trx, key, what, clock());
    if (!active)
      throw new AppError('workos_unavailable', 'This took too long and was undone.', { details: { retry_after: 1 } });
    await audit.append(trx, {
      ...source,
      organizationId: key.organizationId,
      action: 'api_key.created',
      target: { kind: 'api_key', id: issued.id },
      details: {
        label: key.label,
        permission_set: key.permissionSet,
        expires_at: key.expiresAt?.toISOString() ?? null,
      },
    });
    return active;
  });
}

async function undo(deps: Deps, key: NewKey, issued: IssuedKey): Promise<void> {
  try {
    await deps.workos.deleteKey(issued.id);
  } catch (error) {
    deps.log.error({ err: error, workos_id: issued.id }, 'a key at WorkOS could not be undone and waits to be settled');
    return;
  }
  await endRow(deps, key);
}

async function endRow({ keys, clock, log }: Deps, key: NewKey): Promise<void> {
  await keys.fail(key.organizationId, key.rowId, clock()).catch((error: unknown) => {
    log.warn({ err: error, row: key.rowId }, 'a row could not be ended and waits to be settled');
  });
}
