import type { Knex } from 'knex';

type RowId = { organization_id: string; id: string };
type Counted = { status: string; count: string; last: RowId };

/** Rows per statement: some milliseconds, and few enough that the planner uses the index. */
const PAGE = 5_000;
/** A count is reused for this many times its duration, so that counting takes at most 1 % of the time. */
const REUSED_FOR = 100;

/** Counts the mirror's rows by status, suspended ones apart, a page per statement. Reuses the last count for a while. */
export function makeCountByStatus(db: Knex, nowMs: () => number = () => performance.now(), page = PAGE) {
  let counts: Readonly<Record<string, number>> = {};
  let reuseUntilMs = -Infinity;

  return async (): Promise<Readonly<Record<string, number>>> => {
    const startedAtMs = nowMs();
    if (startedAtMs < reuseUntilMs) return counts;
    counts = await countAll(db, page);
    const endedAtMs = nowMs();
    reuseUntilMs = endedAtMs + (endedAtMs - startedAtMs) * REUSED_FOR;
    return counts;
  };
}

async function countAll(db: Knex, page: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let last: RowId | undefined = { organization_id: '', id: '' };
  while (last) {
    const rows: Counted[] = await countPage(db, last, page);
    for (const { status, count } of rows) counts[status] = (counts[status] ?? 0) + Number(count);
    const read = rows.reduce((sum, { count }) => sum + Number(count), 0);
    last = read < page ? undefined : rows[0]?.last;
  }
  return counts;
}

async function countPage(db: Knex, { organization_id: organizationId, id }: RowId, page: number): Promise<Counted[]> {
  const { rows } = await db.raw<{ rows: Counted[] }>(
    `with page as materialized (
       select organization_id, id, case when status = 'active' and suspended_at is not null then 'suspended' else status end as status
       from api_keys
       where (organization_id, id) > (?, ?) order by organization_id, id limit ?
     )
     select status, count(*),
       (select to_jsonb(place) from (select organization_id, id from page order by 1 desc, 2 desc limit 1) place) as last
     from page group by status`,
    [organizationId, id, page],
  );
  return rows;
}
