import type { Knex } from 'knex';
import { ulid } from '../../ids.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import type { DescribeWorkosKey } from './describe-workos-key.ts';
import { UNSET } from '../key.ts';
import type { KeptHash } from '../key.ts';
import { settingsColumns } from '../rows/key-row.ts';
import type { KeyRow, NewKeyRow } from '../rows/key-row.ts';

const COLUMNS = [
  'organization_id',
  'id',
  'workos_id',
  'status',
  'label',
  'scopes',
  'permission_set',
  'expires_at',
  'rotated_to',
  'created_at',
  'workos_deleted_at',
  'workos_expires_at',
  'workos_updated_at',
  'due_at',
] as const satisfies (keyof KeyRow)[];

/** The columns that an event or listing of WorkOS is compared with. */
export type MirrorRow = Pick<KeyRow, (typeof COLUMNS)[number]>;

/** Locks the row of WorkOS's key, else the row `rowId`, which the marker in the key's name proves to be its own. */
export async function lockMirrorRow(
  trx: Knex.Transaction,
  { organizationId, environment, id }: Pick<WorkosKey, 'organizationId' | 'environment' | 'id'>,
  rowId: string | undefined,
): Promise<MirrorRow | undefined> {
  const rows = await trx<KeyRow>('api_keys')
    .where({ organization_id: organizationId, environment })
    .whereRaw('(workos_id = ? or id = ?)', [id, rowId ?? null])
    .forUpdate()
    .select(COLUMNS);
  return rows.find(({ workos_id: workosId }) => workosId === id) ?? rows[0];
}

export async function updateMirrorRow(
  trx: Knex.Transaction,
  { organization_id, id }: Pick<MirrorRow, 'organization_id' | 'id'>,
  change: Partial<KeyRow>,
  now: Date,
): Promise<void> {
  await trx<KeyRow>('api_keys')
    .where({ organization_id, id })
    .update({ ...change, updated_at: now });
}

/** @returns false when the key has a row already */
export async function insertMirrorRow(trx: Knex.Transaction, row: NewKeyRow & Partial<KeyRow>): Promise<boolean> {
  const inserted = await trx<KeyRow>('api_keys').insert(row).onConflict().ignore().returning('id');
  return inserted.length > 0;
}

/** Describes a key that was created at WorkOS. `ours`: its marker, when it was created here and its row was lost. */
export function newMirrorRow(
  key: WorkosKey,
  describe: DescribeWorkosKey,
  ours: { label: string; rowId: string } | undefined,
  now: Date,
): NewKeyRow & Pick<KeyRow, 'workos_id' | 'prefix' | 'workos_expires_at' | 'workos_updated_at'> {
  const scopes = describe.scopesOf(key.permissions);
  return {
    organization_id: key.organizationId,
    id: ours?.rowId ?? ulid(key.createdAt),
    owner_user_id: key.userId ?? null,
    workos_id: key.id,
    environment: key.environment,
    origin: 'workos',
    status: 'active',
    ...settingsColumns({ ...UNSET, label: describe.label(ours?.label ?? key.name) }),
    permission_set: describe.permissionSetOf(scopes) ?? null,
    scopes,
    prefix: describe.prefix(key),
    expires_at: key.expiresAt ?? null,
    rotated_from: null,
    created_by_kind: 'workos',
    created_by_id: 'workos',
    created_at: key.createdAt,
    updated_at: now,
    due_at: null,
    workos_expires_at: key.expiresAt ?? null,
    workos_updated_at: key.updatedAt,
  };
}

/**
 * Stores the HMAC of a key's secret. It replaces one whose HMAC key is no longer configured.
 * @param hmacKeyIds ids of the configured HMAC keys
 * @returns false for a key that is not active, or has another HMAC
 */
export async function attachHash(
  trx: Knex.Transaction,
  key: Pick<WorkosKey, 'organizationId' | 'environment' | 'id'>,
  { secretHash, hmacKeyId }: KeptHash,
  hmacKeyIds: readonly string[],
): Promise<boolean> {
  const attached = await trx<KeyRow>('api_keys')
    .where({
      organization_id: key.organizationId,
      environment: key.environment,
      workos_id: key.id,
      status: 'active',
    })
    .whereRaw('(secret_hash is null or secret_hash = ? or hash_key <> all(?))', [secretHash, [...hmacKeyIds]])
    .update({ secret_hash: secretHash, hash_key: hmacKeyId });
  return attached > 0;
}

export type EndedRow = Pick<KeyRow, 'id' | 'label'> & { workos_id: string };

/**
 * Revokes at most `limit` active keys of an organization that WorkOS has deleted. Its keys of the test environment are
 * still there; the settler deletes them.
 */
export async function revokeActiveRows(
  trx: Knex.Transaction,
  organizationId: string,
  limit: number,
  now: Date,
): Promise<EndedRow[]> {
  const { rows } = await trx.raw<{ rows: EndedRow[] }>(
    `update api_keys set status = 'revoked', revoked_at = ?, updated_at = ?, attempts = 0,
            workos_deleted_at = case environment when 'live' then ?::timestamptz end,
            due_at = case when environment = 'test' and origin <> 'imported' then ?::timestamptz end
     where organization_id = ? and id in (
       select id from api_keys where organization_id = ? and status = 'active' order by id limit ? for update
     )
     returning id, workos_id, label`,
    [now, now, now, now, organizationId, organizationId, limit],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Fails an organization's provisionings, or only those of one person or begun by `madeUntil`. None of them can become
 * active afterwards; the settler looks for what they left at WorkOS.
 */
export async function failProvisioningRows(
  trx: Knex.Transaction,
  organizationId: string,
  now: Date,
  { ownerUserId, madeUntil }: { ownerUserId?: string; madeUntil?: Date | undefined } = {},
): Promise<void> {
  await trx<KeyRow>('api_keys')
    .where({ organization_id: organizationId, status: 'provisioning' })
    .where(ownerUserId === undefined ? {} : { owner_user_id: ownerUserId })
    .whereRaw('(?::timestamptz is null or created_at <= ?)', [madeUntil ?? null, madeUntil ?? null])
    .update({ status: 'failed', updated_at: now, due_at: now });
}
