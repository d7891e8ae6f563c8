import type { Knex } from 'knex';
import type { AuditEvent, AuditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import { keyEvent } from '../key-audit.ts';
import type { KeptHash } from '../key.ts';
import type { DescribeWorkosKey } from './describe-workos-key.ts';
import type { KeyRow } from '../rows/key-row.ts';
import type { Marker } from './marker.ts';
import { changeOfExpiry } from './mirror-expiry.ts';
import type { ExpiryChange } from './mirror-expiry.ts';
import {
  attachHash,
  failProvisioningRows,
  insertMirrorRow,
  lockMirrorRow,
  newMirrorRow,
  revokeActiveRows,
  updateMirrorRow,
} from './mirror-row.ts';
import type { MirrorRow } from './mirror-row.ts';

type Deps = {
  /**
   * Inserts the tenant if there is none, and locks it until the transaction ends. `keysEndAt`: keys created until then
   * are revoked.
   */
  holdTenant: (
    trx: Knex.Transaction,
    organizationId: string,
  ) => Promise<{ deleted: boolean; keysEndAt: Date | undefined }>;
  /**
   * Inserts the owner of a personal key that was created at `createdAt`. Undefined where the product has no personal keys.
   * @returns whether the owner is a member
   */
  holdOwner: ((trx: Knex.Transaction, key: PersonalKey) => Promise<boolean>) | undefined;
  describe: DescribeWorkosKey;
  marker: Pick<Marker, 'read'>;
  audit: Pick<AuditLog, 'append' | 'appendAll'>;
  clock: Clock;
};

type PersonalKey = { organizationId: string; userId: string; createdAt: Date };

/** `inserted`: the key was unknown and has a row now. */
type Met = { inserted: true } | { inserted: false; row: MirrorRow | undefined };

export type MirrorKeys = ReturnType<typeof makeMirrorKeys>;

const REVOKE_BATCH = 200;

/**
 * Applies what WorkOS says of keys to the mirror: twice, late or in any order with the same result. Each method audits
 * what it changes and returns whether it changed anything. Personal keys are mirrored where the product has them.
 */
export function makeMirrorKeys(deps: Deps) {
  return {
    /** WorkOS has this key. A row that there is stays as it is. */
    async made(trx: Knex.Transaction, key: WorkosKey, source: AuditSource): Promise<boolean> {
      const met = await meet(deps, trx, key, source);
      return met.inserted || reopenFailed(deps, trx, key, met.row);
    },

    /** WorkOS has changed this key. Only its expiry can change there. */
    async changed(trx: Knex.Transaction, key: WorkosKey, source: AuditSource): Promise<boolean> {
      const met = await meet(deps, trx, key, source);
      if (met.inserted) return true;
      if (met.row?.workos_id !== key.id) return reopenFailed(deps, trx, key, met.row);
      return takeExpiry(deps, trx, met.row, changeOfExpiry(met.row, key, deps.clock()), source);
    },

    /** WorkOS lists this key, whose row exists, with this expiry. */
    async listed(trx: Knex.Transaction, key: WorkosKey, source: AuditSource): Promise<boolean> {
      const row = await lockMirrorRow(trx, key, undefined);
      if (!row) return false;
      const change = changeOfExpiry(row, key, deps.clock(), 'listing');
      return (await takeExpiry(deps, trx, row, change, source)) || change?.due_at !== undefined;
    },

    /** WorkOS has deleted this key. An unknown one gets a revoked row, so that a late event cannot revive it. */
    async gone(trx: Knex.Transaction, key: WorkosKey, at: Date, source: AuditSource): Promise<boolean> {
      const met = await meet(deps, trx, key, source, at);
      if (met.inserted) return true;
      if (!met.row) return false;
      return met.row.workos_id === key.id
        ? revoke(deps, trx, met.row, key, at, source)
        : failProvisioning(deps, trx, met.row);
    },

    /** Stores the HMAC of an active key's secret. @returns false when the key has another one */
    attach: (trx: Knex.Transaction, key: WorkosKey, kept: KeptHash, hmacKeyIds: readonly string[]): Promise<boolean> =>
      attachHash(trx, key, kept, hmacKeyIds),

    /** Revokes one batch of an organization's keys and fails its provisionings. @returns how many keys */
    async revokeSome(trx: Knex.Transaction, organizationId: string, source: AuditSource): Promise<number> {
      const now = deps.clock();
      await failProvisioningRows(trx, organizationId, now);
      const ended = await revokeActiveRows(trx, organizationId, REVOKE_BATCH, now);
      const events = ended.map((row) =>
        keyEvent(organizationId, row.workos_id, 'api_key.revoked', source, describe(row)),
      );
      await deps.audit.appendAll(trx, organizationId, events);
      return ended.length;
    },
  };
}

/**
 * Finds the key's row, or inserts it: active; revoked when the key, its organization or its owner is gone; revoked and
 * due for deletion at WorkOS when it is older than the decommissioning of its organization.
 */
async function meet(
  deps: Deps,
  trx: Knex.Transaction,
  key: WorkosKey,
  source: AuditSource,
  goneAt?: Date,
): Promise<Met> {
  const ours = deps.marker.read(key.name, key.organizationId);
  const row = await lockMirrorRow(trx, key, ours?.rowId);
  if (row || (key.userId !== undefined && !deps.holdOwner)) return { inserted: false, row };
  const now = deps.clock();
  const { deleted, keysEndAt } = await deps.holdTenant(trx, key.organizationId);
  const isOver = !(await holdOwner(deps, trx, key)) || deleted;
  const endedAt = goneAt ?? (isOver ? now : undefined);
  const isLeftOver = !endedAt && keysEndAt !== undefined && key.createdAt <= keysEndAt;
  const made = {
    ...newMirrorRow(key, deps.describe, ours, now),
    ...(endedAt && ended(endedAt, now)),
    ...(isLeftOver && ({ status: 'revoked', revoked_at: now, due_at: now } as const)),
  };
  // Another transaction may have inserted it first: then its row counts.
  if (!(await insertMirrorRow(trx, made))) return { inserted: false, row: await lockMirrorRow(trx, key, ours?.rowId) };
  const details = { ...describeNew(made), ...(isLeftOver && { reason: 'decommissioned' }) };
  const action = endedAt || isLeftOver ? 'api_key.revoked' : 'api_key.created';
  await deps.audit.append(trx, keyEvent(key.organizationId, key.id, action, source, details));
  return { inserted: true };
}

/** @returns false when the owner of a personal key is no member */
async function holdOwner(
  deps: Deps,
  trx: Knex.Transaction,
  { organizationId, userId, createdAt }: WorkosKey,
): Promise<boolean> {
  if (userId === undefined || !deps.holdOwner) return true;
  return deps.holdOwner(trx, { organizationId, userId, createdAt });
}

/** Has the settler delete the orphan of a failed row now. @returns false for a row in any other state */
async function reopenFailed(
  { clock }: Deps,
  trx: Knex.Transaction,
  key: WorkosKey,
  row: MirrorRow | undefined,
): Promise<boolean> {
  if (row?.status !== 'failed' || row.workos_id === key.id) return false;
  const now = clock();
  await updateMirrorRow(trx, row, { due_at: now, attempts: 0 }, now);
  return true;
}

/** Fails a provisioning whose key WorkOS has deleted already, so that it cannot become active. */
async function failProvisioning({ clock }: Deps, trx: Knex.Transaction, row: MirrorRow): Promise<boolean> {
  if (row.status !== 'provisioning') return false;
  const now = clock();
  await updateMirrorRow(trx, row, { status: 'failed', due_at: now }, now);
  return true;
}

async function takeExpiry(
  { audit, clock }: Deps,
  trx: Knex.Transaction,
  row: MirrorRow,
  change: ExpiryChange | undefined,
  source: AuditSource,
): Promise<boolean> {
  if (!change) return false;
  await updateMirrorRow(trx, row, change, clock());
  if (change.expires_at === undefined) return false;
  const details = { before: isoOf(row.expires_at), after: isoOf(change.expires_at) };
  await audit.append(trx, keyEvent(row.organization_id, row.workos_id!, 'api_key.expiry_changed', source, details));
  return true;
}

async function revoke(
  { audit, clock }: Deps,
  trx: Knex.Transaction,
  row: MirrorRow,
  key: WorkosKey,
  at: Date,
  source: AuditSource,
): Promise<boolean> {
  const now = clock();
  const last = changeOfExpiry(row, key, now);
  if (row.status !== 'active') {
    if (row.workos_deleted_at && !last) return false;
    await updateMirrorRow(trx, row, { ...last, workos_deleted_at: row.workos_deleted_at ?? now, ...SETTLED }, now);
    return false;
  }
  await updateMirrorRow(trx, row, { ...last, ...ended(at, now) }, now);
  await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.revoked', source, describe(row)));
  return true;
}

const SETTLED = { due_at: null, attempts: 0 };

function ended(at: Date, now: Date): Partial<KeyRow> {
  return { status: 'revoked', revoked_at: at, workos_deleted_at: now, ...SETTLED };
}

function describe({ label }: Pick<KeyRow, 'label'>): AuditEvent['details'] {
  return { label };
}

function describeNew(row: Pick<KeyRow, 'label' | 'permission_set' | 'scopes' | 'expires_at'>): AuditEvent['details'] {
  const { label, permission_set, scopes, expires_at } = row;
  return { label, permission_set, scopes, expires_at: isoOf(expires_at) };
}

function isoOf(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
