import type { Knex } from 'knex';

type Place = { organization_id: string; id: string };
type Counted = { status: string; count: string; last: Place };

/** Rows that one statement reads: some milliseconds, and few enough that the index is the shorter way. */
const PAGE = 5_000;
/** A count is believed for so many times as long as it took, so that counting takes a hundredth of the time. */
const BELIEVED_FOR = 100;

/**
 * Counts the rows of the mirror by status, in statements that read a page each, however many there are; and not again
 * soon, when that took long.
 */
export function makeCountByStatus(db: Knex, nowMs: () => number = () => performance.now(), page = PAGE) {
  let counts: Readonly<Record<string, number>> = {};
  let believedUntilMs = -Infinity;

  return async (): Promise<Readonly<Record<string, number>>> => {
    const startedAtMs = nowMs();
    if (startedAtMs < believedUntilMs) return counts;
    counts = await countAll(db, page);
    const endedAtMs = nowMs();
    believedUntilMs = endedAtMs + (endedAtMs - startedAtMs) * BELIEVED_FOR;
    return counts;
  };
}

async function countAll(db: Knex, page: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let last: Place | undefined = { organization_id: '', id: '' };
  while (last) {
    const rows: Counted[] = await countPage(db, last, page);
    for (const { status, count } of rows) counts[status] = (counts[status] ?? 0) + Number(count);
    const read = rows.reduce((sum, { count }) => sum + Number(count), 0);
    last = read < page ? undefined : rows[0]?.last;
  }
  return counts;
}

async function countPage(db: Knex, { organization_id: organizationId, id }: Place, page: number): Promise<Counted[]> {
  const { rows } = await db.raw<{ rows: Counted[] }>(
    `with page as materialized (
       select organization_id, id, status from api_keys
       where (organization_id, id) > (?, ?) order by organization_id, id limit ?
     )
     select status, count(*),
       (select to_jsonb(place) from (select organization_id, id from page order by 1 desc, 2 desc limit 1) place) as last
     from page group by status`,
    [organizationId, id, page],
  );
  return rows;
}
