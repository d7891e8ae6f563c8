import type { Knex } from 'knex';
import type { UsageRange } from './usage-range.ts';

export type LastUse = { usedAt: Date; ip: string | undefined; agent: string | undefined };
export type LastUsesOf = (organizationId: string, keyIds: readonly string[]) => Promise<ReadonlyMap<string, LastUse>>;
export type BucketCount = { startMs: number; code: string; count: number };

export type UsageReader = ReturnType<typeof makeUsageReader>;

/** Reads the written uses of an organization's keys. */
export function makeUsageReader(db: Knex) {
  /** Counts uses by bucket and code, of one key or of all. */
  async function countsOf(
    organizationId: string,
    keyId: string | undefined,
    { from, to, interval }: UsageRange,
  ): Promise<BucketCount[]> {
    const { rows } = await db.raw<{ rows: { start: Date; code: string; count: string }[] }>(
      `select date_trunc(?, hour, 'UTC') as start, code, sum(count) as count from usage_counts
       where organization_id = ? ${keyId === undefined ? '' : 'and key_id = ?'} and hour >= ? and hour < ?
       group by 1, 2`,
      [interval, organizationId, ...(keyId === undefined ? [] : [keyId]), from, to],
    );
    return rows.map(({ start, code, count }) => ({ startMs: start.getTime(), code, count: Number(count) }));
  }

  /** Counts uses of several keys by key, bucket and code. */
  async function countsOfKeys(
    organizationId: string,
    keyIds: readonly string[],
    { from, to, interval }: UsageRange,
  ): Promise<ReadonlyMap<string, BucketCount[]>> {
    const { rows } = await db.raw<{ rows: { key_id: string; start: Date; code: string; count: string }[] }>(
      `select key_id, date_trunc(?, hour, 'UTC') as start, code, sum(count) as count from usage_counts
       where organization_id = ? and key_id = any(?) and hour >= ? and hour < ?
       group by 1, 2, 3`,
      [interval, organizationId, [...keyIds], from, to],
    );
    const counts = rows.map((row) => ({ ...row, startMs: row.start.getTime(), count: Number(row.count) }));
    return Map.groupBy(counts, (one) => one.key_id);
  }

  /** Returns the keys with the most uses, the busiest first. */
  async function busiest(organizationId: string, { from, to }: UsageRange, limit: number) {
    const { rows } = await db.raw<{ rows: { key_id: string; total: string }[] }>(
      `select key_id, sum(count) as total from usage_counts
       where organization_id = ? and hour >= ? and hour < ?
       group by key_id order by total desc, key_id limit ?`,
      [organizationId, from, to, limit],
    );
    return rows.map(({ key_id, total }) => ({ keyId: key_id, total: Number(total) }));
  }

  const lastUsesOf: LastUsesOf = async (organizationId, keyIds) => {
    if (keyIds.length === 0) return new Map();
    const { rows } = await db.raw<{ rows: LastUseRow[] }>(
      'select key_id, used_at, ip, agent from key_last_uses where organization_id = ? and key_id = any(?)',
      [organizationId, [...keyIds]],
    );
    return new Map(rows.map((row) => [row.key_id, toLastUse(row)]));
  };

  return { countsOf, countsOfKeys, busiest, lastUsesOf };
}

type LastUseRow = { key_id: string; used_at: Date; ip: string | null; agent: string | null };

function toLastUse({ used_at, ip, agent }: LastUseRow): LastUse {
  return { usedAt: used_at, ip: ip ?? undefined, agent: agent ?? undefined };
}
