import type { Knex } from 'knex';
import type { Actor } from '../audit/audit-log.ts';
import type { Key } from './key.ts';

export type KeyRow = {
  organization_id: string;
  id: string;
  workos_id: string | null;
  status: 'provisioning' | 'active' | 'revoked' | 'failed';
  label: string;
  description: string | null;
  metadata: Record<string, string>;
  permission_set: string;
  scopes: string[];
  prefix: string | null;
  secret_hash: Buffer | null;
  expires_at: Date | null;
  created_by_kind: Actor['kind'];
  created_by_id: string;
  created_at: Date;
  updated_at: Date;
  revoked_at: Date | null;
  workos_deleted_at: Date | null;
};

/** Every column but the hash: nothing outside verification has a use for it. */
export const KEY_COLUMNS = [
  'organization_id',
  'id',
  'workos_id',
  'status',
  'label',
  'description',
  'metadata',
  'permission_set',
  'scopes',
  'prefix',
  'expires_at',
  'created_by_kind',
  'created_by_id',
  'created_at',
  'updated_at',
  'revoked_at',
  'workos_deleted_at',
] as const satisfies (keyof KeyRow)[];

export type ReadKeyRow = Pick<KeyRow, (typeof KEY_COLUMNS)[number]>;

/** A row that WorkOS's key belongs to; the table's own check keeps `workos_id` and `prefix` there. */
export function toKey(row: ReadKeyRow): Key {
  return {
    id: row.workos_id!,
    organizationId: row.organization_id,
    rowId: row.id,
    revokedAt: row.revoked_at ?? undefined,
    workosDeletedAt: row.workos_deleted_at ?? undefined,
    label: row.label,
    description: row.description ?? undefined,
    metadata: row.metadata,
    permissionSet: row.permission_set,
    scopes: row.scopes,
    prefix: row.prefix!,
    expiresAt: row.expires_at ?? undefined,
    createdBy: { kind: row.created_by_kind, id: row.created_by_id },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The organization's keys that WorkOS has issued; rows that never became a key are nobody's business. */
export function provisionedKeys(on: Knex, organizationId: string) {
  return on<KeyRow>('api_keys').where({ organization_id: organizationId }).whereNotNull('workos_id');
}
