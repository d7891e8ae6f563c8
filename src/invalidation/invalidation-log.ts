import type { Announced, Invalidation } from './invalidation.ts';

/** Runs one statement on the connection that listens. */
export type Ask = (sql: string, values: readonly unknown[]) => Promise<Record<string, unknown>[]>;

type Deps = {
  cache: { invalidate(change: Invalidation): void; clear(): void };
  /**
   * Called when a beat was committed after this moment on the monotonic clock.
   * @param isBehind whether WorkOS's events have to be read before anything may be answered
   */
  proven: (atMs: number, isBehind: boolean) => void;
  /** The monotonic clock. */
  nowMs?: () => number;
};

type Change = { id: number; organization_id: string; key_id: string | null; session_id: string | null };
type Row = { written: string | null; seen: string; behind: boolean; snapshot: string; changes: Change[] | null };
type Beat = { number: string; fromMs: number };

export type InvalidationLog = ReturnType<typeof makeInvalidationLog>;

/** At most this many changes are read between two heartbeats; with more, caches forget everything. */
const MAX_CHANGES = 10_000;
/** By then every replica has read older changes, or has cleared its memory. */
const TRIM_AFTER_MS = 5 * 60_000;

// One statement, and one commit when a beat is due: the last one is a second old by the server's own clock, or was
// written by a clock that ran ahead. It skips a beat that another replica is committing. The replica that commits a beat
// also trims the log. A beat that ends a gap marks the mirror as behind, in the same row. Changes are the rows that are visible now and were not in the previous snapshot.
const HEARTBEAT = `
  with beat as (
    update invalidation_beats set number = number + 1, at = clock_timestamp(),
      behind_since = case when number > 0 and at < clock_timestamp() - interval '1 minute'
        then coalesce(behind_since, at) else behind_since end
    where id = (
      select id from invalidation_beats
      where at not between clock_timestamp() - interval '1 second' and clock_timestamp() for update skip locked
    )
    returning number, behind_since
  ), trimmed as (
    delete from invalidations where exists (select from beat) and (transaction_id, id) in (
      select transaction_id, id from invalidations where transaction_id < pg_snapshot_xmin($2::text::pg_snapshot)
      order by transaction_id, id limit 1000
    )
  ), late as (
    select id, organization_id, key_id, session_id from invalidations
    where transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
      and not pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
    limit ${MAX_CHANGES + 1}
  )
  select (select number from beat) as written, number as seen,
    coalesce((select behind_since from beat), behind_since) is not null as behind, pg_current_snapshot()::text as snapshot,
    (select json_agg(late) from late) as changes
  from invalidation_beats`;

/** Reads the invalidation log on the `LISTEN` connection, and learns from beats whether its server still commits. */
export function makeInvalidationLog({ cache, proven, nowMs = () => performance.now() }: Deps) {
  let beat: Beat | undefined;
  let snapshot: string | undefined;
  let trimming: { mark: string | undefined; next: string; nextMs: number } | undefined;
  const once = makeOnce(cache);

  function judge({ written, seen, behind }: Row, fromMs: number): void {
    // Our beat was committed after this heartbeat began; another replica's after the previous one, which did not see it.
    if (written !== null) proven(fromMs, behind);
    else if (beat && beat.number !== seen) proven(beat.fromMs, behind);
    beat = { number: written ?? seen, fromMs };
  }

  function read(changes: readonly Change[]): void {
    if (changes.length > MAX_CHANGES) cache.clear();
    else {
      for (const { id, organization_id: organizationId, key_id, session_id } of changes) {
        const session = session_id === null ? {} : { sessionId: session_id };
        once.invalidate({ id, organizationId, keyId: key_id ?? undefined, ...session });
      }
    }
    once.age();
  }

  function moveMark(now: string): void {
    trimming ??= { mark: undefined, next: now, nextMs: nowMs() };
    if (nowMs() - trimming.nextMs < TRIM_AFTER_MS) return;
    trimming = { mark: trimming.next, next: now, nextMs: nowMs() };
  }

  return {
    /** Forgets what an earlier connection has seen, which says nothing about the server of a new one. */
    begin(): void {
      beat = snapshot = trimming = undefined;
      once.age();
      once.age();
    },

    /** Invalidates what a notification says has changed, unless it was read from the log before. */
    receive(changes: readonly Announced[]): void {
      for (const change of changes) once.invalidate(change);
    },

    async heartbeat(ask: Ask): Promise<void> {
      const fromMs = nowMs();
      const [row] = (await ask(HEARTBEAT, [snapshot ?? null, trimming?.mark ?? null])) as Row[];
      if (!row) throw new Error('invalidation_beats has no row');
      read(row.changes ?? []);
      snapshot = row.snapshot;
      judge(row, fromMs);
      moveMark(row.snapshot);
    },
  };
}

/** Remembers changes by their row for two heartbeats, so that none counts twice that was both notified and read. */
function makeOnce(cache: Pick<Deps['cache'], 'invalidate'>) {
  let known = new Set<number>();
  let knownBefore = new Set<number>();
  return {
    invalidate({ id, ...change }: Announced): void {
      if (id !== undefined) {
        if (known.has(id) || knownBefore.has(id)) return;
        known.add(id);
      }
      cache.invalidate(change);
    },
    age(): void {
      knownBefore = known;
      known = new Set();
    },
  };
}
