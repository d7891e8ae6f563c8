import type { Knex } from 'knex';

const MAX_NAMES = 32;
const MAX_COUNTED = 10_000;
/** The name of no key: rows without a hash, or from before the names were noted. */
export const UNNAMED = '';

/** The names of the keys by which active keys are known, each found by one step through the index. */
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
    [MAX_NAMES],
  );
  return rows.map(({ hash_key: name }) => name);
}

/**
 * How many active keys are known by a hash that is not of the current secret: of which earlier one, counted from the
 * first of the configuration, of one that is not configured any more, or of one that was never noted.
 * @param hmacKeyIds the current one first
 */
export function makeCountOldHashes(db: Knex, hmacKeyIds: readonly string[]) {
  return async (): Promise<Record<string, number>> => {
    const [current, ...previous] = hmacKeyIds;
    const counts: Record<string, number> = { unknown: 0, dropped: 0 };
    previous.forEach((_name, at) => (counts[`previous_${at + 1}`] = 0));
    for (const name of await hmacKeysInUse(db)) {
      if (name === current) continue;
      const at = previous.indexOf(name);
      const label = name === UNNAMED ? 'unknown' : at < 0 ? 'dropped' : `previous_${at + 1}`;
      counts[label]! += await countUpTo(db, name, MAX_COUNTED);
    }
    return counts;
  };
}

async function countUpTo(db: Knex, name: string, limit: number): Promise<number> {
  const { rows } = await db.raw<{ rows: { count: string }[] }>(
    `select count(*) from (
       select 1 from api_keys where status = 'active' and hash_key = ? and secret_hash is not null limit ?
     ) as found`,
    [name, limit],
  );
  return Number(rows[0]!.count);
}
