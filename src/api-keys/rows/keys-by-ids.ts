import type { Knex } from 'knex';
import { KEY_COLUMNS, provisionedKeys, toKey } from './key-row.ts';
import type { Key } from '../key.ts';

/** Keys of an organization by WorkOS's ids, held until the transaction ends. Ids of no key are left out. */
export async function holdKeys(trx: Knex.Transaction, organizationId: string, ids: readonly string[]): Promise<Key[]> {
  if (ids.length === 0) return [];
  const rows = await provisionedKeys(trx, organizationId)
    .whereIn('workos_id', [...ids])
    .orderBy('id')
    .forUpdate()
    .select(KEY_COLUMNS);
  return rows.map(toKey);
}
