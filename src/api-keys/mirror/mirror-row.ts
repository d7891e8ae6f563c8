import type { Knex } from 'knex';
import { ulid } from '../../ids.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import type { DescribeWorkosKey } from './describe-workos-key.ts';
import type { KeptHash } from '../key.ts';
import { json } from '../rows/key-row.ts';
import type { KeyRow } from '../rows/key-row.ts';

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

/** What WorkOS's word on a key is weighed against. */
export type MirrorRow = Pick<KeyRow, (typeof COLUMNS)[number]>;

/**
 * The row of WorkOS's key, or the one that its name proves to belong to; held until the transaction ends.
 */
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

/** @returns whether it was not there yet */
export async function insertMirrorRow(trx: Knex.Transaction, row: Partial<KeyRow>): Promise<boolean> {
  const inserted = await trx<KeyRow>('api_keys').insert(row).onConflict().ignore().returning('id');
  return inserted.length > 0;
}

/** A key that was made at WorkOS. `ours` is what its name says when it was made here and the row was lost since. */
export function newMirrorRow(
  key: WorkosKey,
  describe: DescribeWorkosKey,
  ours: { label: string; rowId: string } | undefined,
  now: Date,
): Partial<KeyRow> & Pick<KeyRow, 'label' | 'scopes' | 'permission_set' | 'expires_at'> {
  const scopes = describe.scopesOf(key.permissions);
  return {
    organization_id: key.organizationId,
    id: ours?.rowId ?? ulid(key.createdAt),
    owner_user_id: key.userId ?? null,
    workos_id: key.id,
    environment: key.environment,
    origin: 'workos',
    status: 'active',
    label: describe.label(ours?.label ?? key.name),
    metadata: json({}),
    permission_set: describe.permissionSetOf(scopes) ?? null,
    scopes,
    prefix: describe.prefix(key),
    expires_at: key.expiresAt ?? null,
    created_by_kind: 'workos',
    created_by_id: 'workos',
    created_at: key.createdAt,
    updated_at: now,
    workos_expires_at: key.expiresAt ?? null,
    workos_updated_at: key.updatedAt,
  };
}

/**
 * Notes the hash of a key. One that was made by a key of hashes which nobody has any more gives way.
 * @returns false for a key that is not active, or known by another hash
 */
export async function attachHash(
  trx: Knex.Transaction,
  key: Pick<WorkosKey, 'organizationId' | 'environment' | 'id'>,
  { secretHash, hashKey }: KeptHash,
  hashKeys: readonly string[],
): Promise<boolean> {
  const attached = await trx<KeyRow>('api_keys')
    .where({
      organization_id: key.organizationId,
      environment: key.environment,
      workos_id: key.id,
      status: 'active',
    })
    .whereRaw('(secret_hash is null or secret_hash = ? or hash_key <> all(?))', [secretHash, [...hashKeys]])
    .update({ secret_hash: secretHash, hash_key: hashKey });
  return attached > 0;
}

export type EndedRow = Pick<KeyRow, 'id' | 'label'> & { workos_id: string };

/**
 * Revokes at most `limit` active keys of an organization that WorkOS no longer has. The test environment still has its
 * keys, which are left to be deleted there.
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
            due_at = case environment when 'test' then ?::timestamptz end
     where organization_id = ? and id in (
       select id from api_keys where organization_id = ? and status = 'active' order by id limit ? for update
     )
     returning id, workos_id, label`,
    [now, now, now, now, organizationId, organizationId, limit],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Ends what is being made in an organization, or there for one person, or of that what was begun until then: it cannot
 * become a key any more, and what it left is looked for.
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
