import type { Knex } from 'knex';
import type { RateLimit } from '../../limits/limits.ts';
import { KEY_COLUMNS, json, provisionedKeys, rateLimitColumns, toKey } from './key-row.ts';
import type { KeyRow } from './key-row.ts';
import type { Key, KeptHash, KeyTemplate } from '../key.ts';

/** A key that is to be made: `dueAt` is when somebody else takes over, should its maker be gone by then. */
export type NewKey = KeyTemplate & Pick<Key, 'organizationId' | 'rowId' | 'createdBy' | 'createdAt'> & { dueAt: Date };
export type Issued = KeptHash & { workosId: string; prefix: string };
/** What a key takes over from the one that it replaces when it becomes active: all that WorkOS knows nothing of. */
export type Inherited = Pick<
  KeyTemplate,
  'label' | 'description' | 'metadata' | 'rateLimit' | 'concurrency' | 'ipAllowList'
>;
export type KeyChange = {
  label?: string | undefined;
  description?: string | null | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Null: what the template and the plan say. */
  rateLimit?: RateLimit | null | undefined;
  concurrency?: number | null | undefined;
  ipAllowList?: readonly string[] | undefined;
  /** WorkOS is told of a new end by whoever looks at `dueAt`. */
  end?: { expiresAt: Date | undefined; dueAt: Date } | undefined;
};

export const keyWriter = { insertProvisioning, activate, update, revoke, succeed };

/** What changes the mirror, inside the caller's transaction. */
export type KeyWriter = typeof keyWriter;

async function insertProvisioning(trx: Knex.Transaction, key: NewKey): Promise<void> {
  await trx<KeyRow>('api_keys').insert(toNewRow(key));
}

/** @returns the key, or undefined when the row is no longer waiting for this. */
async function activate(
  trx: Knex.Transaction,
  key: NewKey,
  issued: Issued & Partial<Inherited>,
  now: Date,
): Promise<Key | undefined> {
  const [row] = await trx<KeyRow>('api_keys')
    .where({ organization_id: key.organizationId, id: key.rowId, status: 'provisioning' })
    .update({
      ...inheritedColumns({ ...key, ...issued }),
      status: 'active',
      workos_id: issued.workosId,
      prefix: issued.prefix,
      secret_hash: issued.secretHash,
      hash_key: issued.hashKey,
      workos_expires_at: key.expiresAt ?? null,
      updated_at: now,
      due_at: null,
    })
    .returning(KEY_COLUMNS);
  return row && toKey(row);
}

async function update(trx: Knex.Transaction, key: Key, change: KeyChange, now: Date): Promise<Key> {
  const { label, description, metadata, rateLimit, concurrency, ipAllowList, end } = change;
  const [row] = await provisionedKeys(trx, key.organizationId)
    .where({ workos_id: key.id })
    .update({
      ...(label !== undefined && { label }),
      ...(description !== undefined && { description }),
      ...(metadata && { metadata: json(metadata) }),
      ...(rateLimit !== undefined && rateLimitColumns(rateLimit ?? undefined)),
      ...(concurrency !== undefined && { concurrency }),
      ...(ipAllowList && { ip_allow_list: [...ipAllowList] }),
      ...(end && { expires_at: end.expiresAt ?? null, due_at: end.dueAt, attempts: 0 }),
      updated_at: now,
    })
    .returning(KEY_COLUMNS);
  return toKey(row!);
}

/** Revokes, and leaves the deletion at WorkOS to whoever looks at `dueAt`. */
async function revoke(
  trx: Knex.Transaction,
  key: Pick<Key, 'organizationId' | 'id'>,
  now: Date,
  dueAt: Date,
): Promise<void> {
  await provisionedKeys(trx, key.organizationId)
    .where({ workos_id: key.id, status: 'active' })
    .update({ status: 'revoked', revoked_at: now, updated_at: now, due_at: dueAt, attempts: 0 });
}

/** Names the successor and the end of a key; WorkOS is told by whoever looks at `dueAt`. */
async function succeed(
  trx: Knex.Transaction,
  key: Key,
  successor: string,
  expiresAt: Date,
  now: Date,
  dueAt: Date,
): Promise<void> {
  await provisionedKeys(trx, key.organizationId)
    .where({ workos_id: key.id, status: 'active' })
    .update({ rotated_to: successor, expires_at: expiresAt, updated_at: now, due_at: dueAt, attempts: 0 });
}

function toNewRow(key: NewKey): Partial<KeyRow> {
  return {
    organization_id: key.organizationId,
    id: key.rowId,
    environment: key.environment,
    owner_user_id: key.ownerUserId ?? null,
    origin: 'latchkey',
    status: 'provisioning',
    ...inheritedColumns(key),
    permission_set: key.permissionSet ?? null,
    scopes: [...key.scopes],
    expires_at: key.expiresAt ?? null,
    rotated_from: key.rotatedFrom ?? null,
    created_by_kind: key.createdBy.kind,
    created_by_id: key.createdBy.id,
    created_at: key.createdAt,
    updated_at: key.createdAt,
    due_at: key.dueAt,
  };
}

function inheritedColumns(key: Inherited): Partial<KeyRow> {
  return {
    label: key.label,
    description: key.description ?? null,
    metadata: json(key.metadata),
    ...rateLimitColumns(key.rateLimit),
    concurrency: key.concurrency ?? null,
    ip_allow_list: [...key.ipAllowList],
  };
}
