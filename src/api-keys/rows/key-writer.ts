import type { Knex } from 'knex';
import { later } from '../../db/pipeline.ts';
import type { Unsent } from '../../db/pipeline.ts';
import { KEY_COLUMNS, dueAtWorkos, provisionedKeys, settingsColumns, toKey } from './key-row.ts';
import type { KeyRow, NewKeyRow } from './key-row.ts';
import type { Key, KeptHash, KeySettings, KeyTemplate, Suspension } from '../key.ts';

/** A key to be provisioned. At `dueAt` the settler takes over, in case the replica that began has died. */
export type NewKey = KeyTemplate & Pick<Key, 'organizationId' | 'rowId' | 'createdBy' | 'createdAt'> & { dueAt: Date };
export type Issued = KeptHash & { workosId: string; prefix: string };
/** `expiry`: the settler brings it to WorkOS at `dueAt`, unless that happened before. */
export type KeyChange = {
  settings: Partial<KeySettings>;
  expiry: { expiresAt: Date | undefined; dueAt: Date } | undefined;
};

/** Changes the mirror inside the caller's transaction. */
export const keyWriter = { insertProvisioning, activate, update, suspend, resume, markLeaked, revoke, succeed };

async function insertProvisioning(trx: Knex.Transaction, key: NewKey): Promise<void> {
  await later(trx<KeyRow>('api_keys').insert(toNewRow(key)));
}

/** Runs a statement of a change, and what has to follow it. */
export type RunStatement = <T>(trx: Knex.Transaction, organizationId: string, statement: Unsent<T>) => Promise<T>;

/**
 * @param settings instead of those that the row was inserted with
 * @returns undefined when the row is no longer being provisioned
 */
async function activate(
  trx: Knex.Transaction,
  key: NewKey,
  issued: Issued,
  settings: KeySettings,
  now: Date,
  run: RunStatement = (_trx, _organizationId, statement) => Promise.resolve(statement),
): Promise<Key | undefined> {
  const activation = trx<KeyRow>('api_keys')
    .where({ organization_id: key.organizationId, id: key.rowId, status: 'provisioning' })
    .update({
      ...settingsColumns(settings),
      status: 'active',
      workos_id: issued.workosId,
      prefix: issued.prefix,
      secret_hash: issued.secretHash,
      hash_key: issued.hmacKeyId,
      workos_expires_at: key.expiresAt ?? null,
      updated_at: now,
      due_at: null,
    })
    .returning(KEY_COLUMNS);
  const [row] = await run(trx, key.organizationId, activation);
  return row && toKey(row);
}

/** @param key locked by the transaction */
async function update(trx: Knex.Transaction, key: Key, { settings, expiry }: KeyChange, now: Date): Promise<Key> {
  const [row] = await provisionedKeys(trx, key.organizationId)
    .where({ workos_id: key.id })
    .update({
      ...settingsColumns({ ...key, ...settings }),
      ...(expiry && { expires_at: expiry.expiresAt ?? null, due_at: dueAtWorkos(trx, expiry.dueAt), attempts: 0 }),
      updated_at: now,
    })
    .returning(KEY_COLUMNS);
  return toKey(row!);
}

/** Suspends a key that the transaction has locked. */
function suspend(trx: Knex.Transaction, key: Key, { at, by, reason }: Suspension): Promise<Key> {
  const suspension = {
    suspended_at: at,
    suspended_by_kind: by.kind,
    suspended_by_id: by.id,
    suspension_reason: reason ?? null,
  };
  return changeSuspension(trx, key, suspension, at);
}

/** Ends the suspension of a key that the transaction has locked. */
function resume(trx: Knex.Transaction, key: Key, now: Date): Promise<Key> {
  const none = { suspended_at: null, suspended_by_kind: null, suspended_by_id: null, suspension_reason: null };
  return changeSuspension(trx, key, none, now);
}

type SuspensionColumns = Pick<KeyRow, 'suspended_at' | 'suspended_by_kind' | 'suspended_by_id' | 'suspension_reason'>;

async function changeSuspension(trx: Knex.Transaction, key: Key, columns: SuspensionColumns, now: Date): Promise<Key> {
  const [row] = await provisionedKeys(trx, key.organizationId)
    .where({ workos_id: key.id, status: 'active' })
    .update({ ...columns, updated_at: now })
    .returning(KEY_COLUMNS);
  return toKey(row!);
}

/** Records when a key that the transaction has locked was first found in public. */
async function markLeaked(trx: Knex.Transaction, key: Pick<Key, 'organizationId' | 'id'>, now: Date): Promise<void> {
  const unmarked = provisionedKeys(trx, key.organizationId).where({ workos_id: key.id, leaked_at: null });
  await later(unmarked.update({ leaked_at: now }));
}

/** Revokes; at `dueAt` the settler deletes the key at WorkOS, which has no imported ones. */
async function revoke(
  trx: Knex.Transaction,
  key: Pick<Key, 'organizationId' | 'id'>,
  now: Date,
  dueAt: Date,
): Promise<void> {
  await later(
    activeKey(trx, key).update({
      status: 'revoked',
      revoked_at: now,
      updated_at: now,
      due_at: dueAtWorkos(trx, dueAt),
      attempts: 0,
    }),
  );
}

/** Records a key's successor and expiry; at `dueAt` the settler brings the expiry to WorkOS. */
async function succeed(
  trx: Knex.Transaction,
  key: Key,
  successor: string,
  expiresAt: Date,
  now: Date,
  dueAt: Date,
): Promise<void> {
  await later(
    activeKey(trx, key).update({
      rotated_to: successor,
      expires_at: expiresAt,
      updated_at: now,
      due_at: dueAtWorkos(trx, dueAt),
      attempts: 0,
    }),
  );
}

function activeKey(trx: Knex.Transaction, { organizationId, id }: Pick<Key, 'organizationId' | 'id'>) {
  return provisionedKeys(trx, organizationId).where({ workos_id: id, status: 'active' });
}

function toNewRow(key: NewKey): NewKeyRow {
  return {
    organization_id: key.organizationId,
    id: key.rowId,
    environment: key.environment,
    owner_user_id: key.ownerUserId ?? null,
    origin: key.createdBy.kind === 'ci' ? 'ci' : 'latchkey',
    status: 'provisioning',
    ...settingsColumns(key),
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
