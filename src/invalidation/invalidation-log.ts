import { payloadOf } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';

/** Runs one statement on the connection that listens. */
export type Ask = (sql: string, values: readonly unknown[]) => Promise<Record<string, unknown>[]>;

type Deps = {
  cache: { invalidate(change: Invalidation): void; clear(): void };
  /** Told that a beat was committed after this moment on the monotonic clock. */
  proven: (atMs: number) => void;
  /** The monotonic clock. */
  nowMs?: () => number;
};

type Change = { organization_id: string; key_id: string | null; session_id: string | null };
type Row = { written: string | null; seen: string; snapshot: string; changes: Change[] | null };
type Beat = { number: string; fromMs: number };
type Heard = Map<string, number>;

export type InvalidationLog = ReturnType<typeof makeInvalidationLog>;

/** So many changes between two heartbeats are read; of more, everything is forgotten. */
const MAX_CHANGES = 10_000;
/** Every replica has read by then what was written before, or has begun anew. */
const TRIM_AFTER_MS = 5 * 60_000;

// One statement, and one commit where a beat is due: the last one is a second old by the server's own clock, or was
// written by a clock that ran ahead. A beat that another replica is committing is skipped, not waited for. Who commits
// a beat also trims the log. Changes are those that are visible now and were not in the snapshot before.
const HEARTBEAT = `
  with beat as (
    update invalidation_beats set number = number + 1, at = clock_timestamp()
    where id = (
      select id from invalidation_beats
      where at not between clock_timestamp() - interval '1 second' and clock_timestamp() for update skip locked
    )
    returning number
  ), trimmed as (
    delete from invalidations where exists (select from beat) and (transaction_id, id) in (
      select transaction_id, id from invalidations where transaction_id < pg_snapshot_xmin($2::text::pg_snapshot)
      order by transaction_id, id limit 1000
    )
  ), late as (
    select organization_id, key_id, session_id from invalidations
    where transaction_id >= pg_snapshot_xmin($1::text::pg_snapshot)
      and not pg_visible_in_snapshot(transaction_id, $1::text::pg_snapshot)
    limit ${MAX_CHANGES + 1}
  )
  select (select number from beat) as written, number as seen, pg_current_snapshot()::text as snapshot,
    (select json_agg(late) from late) as changes
  from invalidation_beats`;

/**
 * Reads the log of invalidations on the connection that listens, and finds out by beats whether the server of that
 * connection still commits.
 */
export function makeInvalidationLog({ cache, proven, nowMs = () => performance.now() }: Deps) {
  let beat: Beat | undefined;
  let snapshot: string | undefined;
  let trimming: { mark: string | undefined; next: string; nextMs: number } | undefined;
  // Notices of the last two heartbeats, so that a change that was heard of is not read as a second one.
  let heard: Heard = new Map();
  let heardBefore: Heard = new Map();

  function judge({ written, seen }: Row, fromMs: number): void {
    // Our own beat was committed since we began; another's since we looked before and did not see it.
    if (written !== null) proven(fromMs);
    else if (beat && beat.number !== seen) proven(beat.fromMs);
    beat = { number: written ?? seen, fromMs };
  }

  function read(changes: readonly Change[]): void {
    if (changes.length > MAX_CHANGES) cache.clear();
    else {
      for (const { organization_id: organizationId, key_id, session_id } of changes) {
        const session = session_id === null ? {} : { sessionId: session_id };
        const change = { organizationId, keyId: key_id ?? undefined, ...session };
        const payload = payloadOf(change);
        if (!takeFrom(heard, payload) && !takeFrom(heardBefore, payload)) cache.invalidate(change);
      }
    }
    heardBefore = heard;
    heard = new Map();
  }

  function moveMark(now: string): void {
    trimming ??= { mark: undefined, next: now, nextMs: nowMs() };
    if (nowMs() - trimming.nextMs < TRIM_AFTER_MS) return;
    trimming = { mark: trimming.next, next: now, nextMs: nowMs() };
  }

  return {
    /** A new connection: what another one has seen says nothing of its server. */
    begin(): void {
      beat = snapshot = trimming = undefined;
      heard = new Map();
      heardBefore = new Map();
    },

    noteHeard(payload: string): void {
      heard.set(payload, (heard.get(payload) ?? 0) + 1);
    },

    async heartbeat(ask: Ask): Promise<void> {
      const fromMs = nowMs();
      const [row] = (await ask(HEARTBEAT, [snapshot ?? null, trimming?.mark ?? null])) as Row[];
      if (!row) throw new Error('the table of beats has no row');
      read(row.changes ?? []);
      snapshot = row.snapshot;
      judge(row, fromMs);
      moveMark(row.snapshot);
    },
  };
}

function takeFrom(heard: Heard, payload: string): boolean {
  const times = heard.get(payload) ?? 0;
  if (times > 0) heard.set(payload, times - 1);
  return times > 0;
}
