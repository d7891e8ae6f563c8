import type { Knex } from 'knex';
import { KEY_COLUMNS, provisionedKeys, toKey } from './key-row.ts';
import type { KeyRow } from './key-row.ts';
import type { Key } from './key.ts';

export type NewKey = Omit<Key, 'id' | 'prefix' | 'revokedAt' | 'workosDeletedAt' | 'updatedAt'>;
export type Issued = { workosId: string; prefix: string; secretHash: Buffer };
export type KeyChange = {
  label?: string | undefined;
  description?: string | null | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
};

export type KeyWriter = ReturnType<typeof makeKeyWriter>;

/** What changes the mirror: inside the caller's transaction, but for the notes of what became of WorkOS's side. */
export function makeKeyWriter(db: Knex) {
  return {
    async insertProvisioning(trx: Knex.Transaction, key: NewKey): Promise<void> {
      await trx<KeyRow>('api_keys').insert(toNewRow(key));
    },

    /** @returns the key, or undefined when the row is no longer waiting for this. */
    async activate(trx: Knex.Transaction, key: NewKey, issued: Issued, now: Date): Promise<Key | undefined> {
      const [row] = await trx<KeyRow>('api_keys')
        .where({ organization_id: key.organizationId, id: key.rowId, status: 'provisioning' })
        .update({
          status: 'active',
          workos_id: issued.workosId,
          prefix: issued.prefix,
          secret_hash: issued.secretHash,
          updated_at: now,
        })
        .returning(KEY_COLUMNS);
      return row && toKey(row);
    },

    /** Ends a row that never became a key. */
    async fail(organizationId: string, rowId: string, now: Date): Promise<void> {
      await db<KeyRow>('api_keys')
        .where({ organization_id: organizationId, id: rowId, status: 'provisioning' })
        .update({ status: 'failed', updated_at: now });
    },

    async update(trx: Knex.Transaction, key: Key, change: KeyChange, now: Date): Promise<Key> {
      const { label, description, metadata } = change;
      const [row] = await provisionedKeys(trx, key.organizationId)
        .where({ workos_id: key.id })
        .update({
          ...(label !== undefined && { label }),
          ...(description !== undefined && { description }),
          ...(metadata && { metadata: json(metadata) }),
          updated_at: now,
        })
        .returning(KEY_COLUMNS);
      return toKey(row!);
    },

    async revoke(trx: Knex.Transaction, key: Key, now: Date): Promise<void> {
      await provisionedKeys(trx, key.organizationId)
        .where({ workos_id: key.id, status: 'active' })
        .update({ status: 'revoked', revoked_at: now, updated_at: now });
    },

    /** Notes that WorkOS has no such key any more. */
    async confirmDeleted(key: Pick<Key, 'organizationId' | 'id'>, now: Date): Promise<void> {
      await provisionedKeys(db, key.organizationId)
        .where({ workos_id: key.id, status: 'revoked' })
        .update({ workos_deleted_at: now });
    },
  };
}

function toNewRow(key: NewKey): Partial<KeyRow> {
  return {
    organization_id: key.organizationId,
    id: key.rowId,
    status: 'provisioning',
    label: key.label,
    description: key.description ?? null,
    metadata: json(key.metadata),
    permission_set: key.permissionSet,
    scopes: [...key.scopes],
    expires_at: key.expiresAt ?? null,
    created_by_kind: key.createdBy.kind,
    created_by_id: key.createdBy.id,
    created_at: key.createdAt,
    updated_at: key.createdAt,
  };
}

// The driver would send an object's text form for `text` and an array's for `text[]`; `jsonb` takes JSON.
function json(value: Readonly<Record<string, string>>): KeyRow['metadata'] {
  return JSON.stringify(value) as never;
}
