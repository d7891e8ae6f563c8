import type { Knex } from 'knex';
import type { Actor } from '../../audit/audit-event.ts';
import type { RateLimit } from '../../limits/limits.ts';
import type { Key, KeySettings, Suspension } from '../key.ts';
import type { Reach } from '../rules/key-access.ts';

export type KeyRow = {
  organization_id: string;
  id: string;
  environment: Key['environment'];
  owner_user_id: string | null;
  workos_id: string | null;
  origin: Key['origin'];
  status: 'provisioning' | 'active' | 'revoked' | 'failed';
  label: string;
  description: string | null;
  metadata: Record<string, string>;
  permission_set: string | null;
  scopes: string[];
  prefix: string | null;
  secret_hash: Buffer | null;
  hash_key: string;
  expires_at: Date | null;
  rate_limit: number | null;
  rate_limit_window_seconds: number | null;
  concurrency: number | null;
  ip_allow_list: string[];
  rotated_from: string | null;
  rotated_to: string | null;
  created_by_kind: Actor['kind'];
  created_by_id: string;
  created_at: Date;
  updated_at: Date;
  revoked_at: Date | null;
  suspended_at: Date | null;
  suspended_by_kind: Actor['kind'] | null;
  suspended_by_id: string | null;
  suspension_reason: string | null;
  leaked_at: Date | null;
  workos_deleted_at: Date | null;
  workos_expires_at: Date | null;
  workos_updated_at: Date | null;
  workos_expected_at: Date | null;
  workos_seen_at: Date | null;
  due_at: Date | null;
  attempts: number;
};

/** Columns that a row gets only once WorkOS has issued the key, or later. */
type LaterColumn =
  | 'workos_id'
  | 'prefix'
  | 'secret_hash'
  | 'hash_key'
  | 'rotated_to'
  | 'revoked_at'
  | 'suspended_at'
  | 'suspended_by_kind'
  | 'suspended_by_id'
  | 'suspension_reason'
  | 'leaked_at'
  | 'workos_deleted_at'
  | 'workos_expires_at'
  | 'workos_updated_at'
  | 'workos_expected_at'
  | 'workos_seen_at'
  | 'attempts';
/** Every column that an insert must name; one that is forgotten does not compile. */
export type NewKeyRow = Omit<KeyRow, LaterColumn>;

/** The columns of `Key`. The hash belongs to verification alone, and due work to the settler. */
export const KEY_COLUMNS = [
  'organization_id',
  'id',
  'environment',
  'owner_user_id',
  'workos_id',
  'origin',
  'status',
  'label',
  'description',
  'metadata',
  'permission_set',
  'scopes',
  'prefix',
  'expires_at',
  'rate_limit',
  'rate_limit_window_seconds',
  'concurrency',
  'ip_allow_list',
  'rotated_from',
  'rotated_to',
  'created_by_kind',
  'created_by_id',
  'created_at',
  'updated_at',
  'revoked_at',
  'suspended_at',
  'suspended_by_kind',
  'suspended_by_id',
  'suspension_reason',
  'leaked_at',
  'workos_deleted_at',
] as const satisfies (keyof KeyRow)[];

export type ReadKeyRow = Pick<KeyRow, (typeof KEY_COLUMNS)[number]>;

/** Reads a row that has a key; a check of the table keeps `workos_id` and `prefix` there. */
export function toKey(row: ReadKeyRow): Key {
  return {
    id: row.workos_id!,
    organizationId: row.organization_id,
    environment: row.environment,
    ownerUserId: row.owner_user_id ?? undefined,
    rowId: row.id,
    origin: row.origin,
    label: row.label,
    description: row.description ?? undefined,
    metadata: row.metadata,
    permissionSet: row.permission_set ?? undefined,
    scopes: row.scopes,
    prefix: row.prefix!,
    expiresAt: row.expires_at ?? undefined,
    rateLimit: rateLimitOf(row),
    concurrency: row.concurrency ?? undefined,
    ipAllowList: row.ip_allow_list,
    rotatedFrom: row.rotated_from ?? undefined,
    rotatedTo: row.rotated_to ?? undefined,
    createdBy: { kind: row.created_by_kind, id: row.created_by_id },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revokedAt: row.revoked_at ?? undefined,
    suspension: suspensionOf(row),
    leakedAt: row.leaked_at ?? undefined,
    workosDeletedAt: row.workos_deleted_at ?? undefined,
  };
}

/** Selects the organization's keys that WorkOS has issued, without rows that never became a key. */
export function provisionedKeys(on: Knex, organizationId: string) {
  return on<KeyRow>('api_keys').where({ organization_id: organizationId }).whereNotNull('workos_id');
}

/** Narrows a query to the keys that a caller reaches. */
export function within(query: ReturnType<typeof provisionedKeys>, reach: Reach) {
  if (reach === undefined) return query;
  if ('ownerUserId' in reach) return query.where({ owner_user_id: reach.ownerUserId });
  if ('permissionSets' in reach)
    return query.whereNull('owner_user_id').whereIn('permission_set', [...reach.permissionSets]);
  return query.where({ origin: 'ci', created_by_id: reach.policyId });
}

/** Encodes an object for `jsonb`; the driver alone would send it in a form of its own. */
function json(value: Readonly<Record<string, string>>): KeyRow['metadata'] {
  return JSON.stringify(value) as never;
}

function rateLimitOf({
  rate_limit: limit,
  rate_limit_window_seconds: windowSeconds,
}: ReadKeyRow): RateLimit | undefined {
  return limit === null || windowSeconds === null ? undefined : { limit, windowSeconds };
}

// A check of the table keeps time and actor together.
function suspensionOf(row: ReadKeyRow): Suspension | undefined {
  const { suspended_at: at, suspended_by_kind: kind, suspended_by_id: id, suspension_reason: reason } = row;
  return at === null ? undefined : { at, by: { kind: kind!, id: id! }, reason: reason ?? undefined };
}

/** Returns when WorkOS must learn of a change: never for an imported key, which it does not know. */
export function dueAtWorkos(on: Knex, dueAt: Date) {
  return on.raw<Date | null>("case origin when 'imported' then null else ?::timestamptz end", [dueAt]);
}

export function settingsColumns(settings: KeySettings) {
  return {
    label: settings.label,
    description: settings.description ?? null,
    metadata: json(settings.metadata),
    rate_limit: settings.rateLimit?.limit ?? null,
    rate_limit_window_seconds: settings.rateLimit?.windowSeconds ?? null,
    concurrency: settings.concurrency ?? null,
    ip_allow_list: [...settings.ipAllowList],
  };
}
