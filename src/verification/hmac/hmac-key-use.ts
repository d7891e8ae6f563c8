import type { Knex } from 'knex';
import { isHashOfImport } from '../../api-keys/format/imported-form.ts';

const MAX_IDS = 32;
const MAX_COUNTED = 10_000;
/** The id in rows without an HMAC, and in rows from before ids were recorded. */
export const UNNAMED = '';

/** Returns the HMAC key ids of active keys, each found by one step through the index. */
export async function hmacKeysInUse(db: Knex): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { hash_key: string }[] }>(
    `with recursive used (hash_key) as (
       (select hash_key from api_keys where status = 'active' order by hash_key limit 1)
       union all
       select (select k.hash_key from api_keys k where k.status = 'active' and k.hash_key > used.hash_key
               order by k.hash_key limit 1)
       from used where used.hash_key is not null
     )
     select hash_key from used where hash_key is not null limit ?`,
    [MAX_IDS],
  );
  return rows.map(({ hash_key: id }) => id);
}

/**
 * Counts the active keys that are hashed under another secret than the current one: `previous_1` and so on by their order
 * in the configuration, `dropped` if no longer configured, `unknown` if never recorded.
 * @param hmacKeyIds the current one first
 */
export function makeCountOldHashes(db: Knex, hmacKeyIds: readonly string[]) {
  return async (): Promise<Record<string, number>> => {
    const [current, ...previous] = hmacKeyIds;
    const counts: Record<string, number> = { unknown: 0, dropped: 0 };
    previous.forEach((_name, at) => (counts[`previous_${at + 1}`] = 0));
    for (const id of await hmacKeysInUse(db)) {
      // An imported key has the other system's hash until its first use; `import status` counts those.
      if (id === current || isHashOfImport(id)) continue;
      const at = previous.indexOf(id);
      const label = id === UNNAMED ? 'unknown' : at < 0 ? 'dropped' : `previous_${at + 1}`;
      counts[label]! += await countUpTo(db, id, MAX_COUNTED);
    }
    return counts;
  };
}

async function countUpTo(db: Knex, id: string, limit: number): Promise<number> {
  const { rows } = await db.raw<{ rows: { count: string }[] }>(
    `select count(*) from (
       select 1 from api_keys where status = 'active' and hash_key = ? and secret_hash is not null limit ?
     ) as found`,
    [id, limit],
  );
  return Number(rows[0]!.count);
}
