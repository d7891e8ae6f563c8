import type { Knex } from 'knex';
import type { Key } from '../api-keys/key.ts';

/** Places of a key that are recorded: a published key can be copied without end. */
const MAX_PLACES = 20;

type Found = { key: Pick<Key, 'organizationId' | 'rowId'>; place: Buffer; now: Date };

/**
 * Records that a key was found at a place, in the transaction that holds the key's row.
 * @returns whether this is news: the place is new, and one of the first 20
 */
export async function addPlace(trx: Knex.Transaction, { key, place, now }: Found): Promise<boolean> {
  const { organizationId, rowId } = key;
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `insert into key_leaks (organization_id, key_row_id, place, reported_at)
     select ?, ?, ?, ?
     where (select count(*) from key_leaks where organization_id = ? and key_row_id = ?) < ?
     on conflict (organization_id, key_row_id, place) do nothing
     returning 1`,
    [organizationId, rowId, place, now, organizationId, rowId, MAX_PLACES],
  );
  return rows.length === 1;
}
