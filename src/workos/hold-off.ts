import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';

/** WorkOS limits each environment separately, and a limit on Audit Logs must hold up nothing else. */
export type HoldOffBudget = 'live' | 'live_audit_logs' | 'test' | 'test_audit_logs';

/** The row that replicas share: when the hold-off ends by the database's clock, and how many milliseconds are left. */
type Recorded = { until: number; leftMs: number };
type Shared = {
  read: () => Promise<Recorded | undefined>;
  /** @returns the row afterwards, which may end later */
  extend: (milliseconds: number) => Promise<Recorded>;
};

type Deps = {
  /** Undefined for a process that runs alone. */
  shared?: Shared | undefined;
  /** For a 429 without `Retry-After`. */
  defaultMs: number;
  clock?: Clock;
  onBegin?: (milliseconds: number) => void;
  onFailure?: (error: unknown) => void;
};

export type HoldOff = ReturnType<typeof makeHoldOff>;

/** Longer hold-offs are cut to this. */
const MAX_MS = 60_000;
/** A replica learns of another's hold-off at most this late. */
const READ_EVERY_MS = 1_000;

/**
 * Tracks for how long WorkOS must not be called after a 429. A process knows its own hold-off at once. It reads those of
 * other replicas before a call to WorkOS, at most once a second; while the database is unavailable, it calls.
 */
export function makeHoldOff({ shared, defaultMs, clock = systemClock, onBegin, onFailure = () => undefined }: Deps) {
  let heldUntil = -Infinity;
  let readUntil: number | undefined;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  const knownMs = () => Math.max(0, heldUntil - clock().getTime());

  function hold(milliseconds: number): void {
    heldUntil = Math.max(heldUntil, clock().getTime() + Math.min(milliseconds, MAX_MS));
  }

  // Applies each record once: later its `leftMs` is out of date.
  function learn(recorded: Recorded | undefined): void {
    if (!recorded || recorded.until === readUntil) return;
    readUntil = recorded.until;
    if (recorded.leftMs > 0) hold(recorded.leftMs);
  }

  async function read(): Promise<void> {
    readAt = performance.now();
    await shared?.read().then(learn, onFailure);
  }

  return {
    /** Milliseconds until WorkOS may be called, as far as this process knows; 0 when it may be now. */
    knownMs,

    /** The same, including hold-offs of other replicas. */
    async heldMs(): Promise<number> {
      const known = knownMs();
      if (known > 0) return known;
      if (performance.now() - readAt >= READ_EVERY_MS) reading ??= read().finally(() => (reading = undefined));
      await reading;
      return knownMs();
    },

    /**
     * Begins or extends the hold-off after a 429.
     * @param retryAfterMs from WorkOS's `Retry-After`
     * @returns milliseconds until WorkOS may be called
     */
    async begin(retryAfterMs: number | undefined): Promise<number> {
      const before = knownMs();
      hold(retryAfterMs ?? defaultMs);
      // Calls in flight together get their 429 together: one of them records it.
      if (before > 0 && knownMs() - before < READ_EVERY_MS) return knownMs();
      onBegin?.(knownMs());
      await shared?.extend(knownMs()).then(learn, onFailure);
      return knownMs();
    },
  };
}

type SharedDeps = Omit<Deps, 'shared' | 'onBegin' | 'onFailure'> & {
  /** Undefined for a process that runs alone. */
  db: Knex | undefined;
  log: Pick<Logger, 'warn'>;
};

/** Creates a hold-off that all replicas of a database share. */
export function makeSharedHoldOff(budget: HoldOffBudget, { db, log, ...deps }: SharedDeps): HoldOff {
  return makeHoldOff({
    ...deps,
    shared: db && recordedIn(db, budget),
    onBegin: (milliseconds) => log.warn({ budget, milliseconds }, 'WorkOS answered 429; holding off calls'),
    onFailure: (error) => log.warn({ err: error, budget }, 'failed to share the WorkOS hold-off with other replicas'),
  });
}

/** A call to WorkOS waits no longer than this for the database. */
const DATABASE_TIMEOUT_MS = 1_000;

function recordedIn(db: Knex, budget: HoldOffBudget): Shared {
  const COLUMNS = `extract(epoch from until) * 1000 as until,
    extract(epoch from until - clock_timestamp()) * 1000 as left_ms`;
  const query = async (sql: string, values: readonly (string | number)[]): Promise<Recorded | undefined> => {
    type Row = { until: string | number; left_ms: string | number };
    const { rows } = await db.raw<{ rows: Row[] }>(sql, values).timeout(DATABASE_TIMEOUT_MS);
    return rows[0] && { until: Number(rows[0].until), leftMs: Number(rows[0].left_ms) };
  };
  return {
    read: () => query(`select ${COLUMNS} from workos_hold_offs where budget = ?`, [budget]),
    async extend(milliseconds) {
      const recorded = await query(
        `insert into workos_hold_offs as known (budget, until)
         values (?, clock_timestamp() + ? * interval '1 millisecond')
         on conflict (budget) do update set until =
           -- A later end than any hold-off has was recorded by a server whose clock was ahead.
           greatest(least(known.until, clock_timestamp() + ? * interval '1 millisecond'), excluded.until)
         returning ${COLUMNS}`,
        [budget, milliseconds, MAX_MS],
      );
      return recorded!;
    },
  };
}
