import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';

/** WorkOS counts the requests of each environment apart, and Audit Logs must hold up nothing else. */
export type HoldOffBudget = 'live' | 'live_audit_logs' | 'test' | 'test_audit_logs';

/** What replicas share: until when, by the database's clock, and how many milliseconds that is from now. */
type Recorded = { until: number; leftMs: number };
type Shared = {
  read: () => Promise<Recorded | undefined>;
  /** @returns what is recorded by then, which may be later */
  extend: (milliseconds: number) => Promise<Recorded>;
};

type Deps = {
  /** Undefined for a process that has no others beside it. */
  shared?: Shared | undefined;
  /** For a 429 that does not say when to come back. */
  defaultMs: number;
  clock?: Clock;
  onBegin?: (milliseconds: number) => void;
  onFailure?: (error: unknown) => void;
};

export type HoldOff = ReturnType<typeof makeHoldOff>;

/** However long WorkOS asks for. */
const MAX_MS = 60_000;
/** Another replica's hold-off is heard of this late, at most. */
const READ_EVERY_MS = 1_000;

/**
 * For how long WorkOS is not asked after it answered 429. A process knows its own hold-off at once. Those of other
 * replicas it reads when it is about to ask WorkOS, at most once a second; while the database cannot tell, it asks.
 */
export function makeHoldOff({ shared, defaultMs, clock = systemClock, onBegin, onFailure = () => undefined }: Deps) {
  let heldUntil = -Infinity;
  let heardUntil: number | undefined;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  const knownMs = () => Math.max(0, heldUntil - clock().getTime());

  function hold(milliseconds: number): void {
    heldUntil = Math.max(heldUntil, clock().getTime() + Math.min(milliseconds, MAX_MS));
  }

  // Each record once: by then this process may judge by a clock that has moved on.
  function hear(recorded: Recorded | undefined): void {
    if (!recorded || recorded.until === heardUntil) return;
    heardUntil = recorded.until;
    if (recorded.leftMs > 0) hold(recorded.leftMs);
  }

  async function read(): Promise<void> {
    readAt = performance.now();
    await shared?.read().then(hear, onFailure);
  }

  return {
    /** For how many milliseconds WorkOS is not to be asked, as far as this process knows; 0 when it may be. */
    knownMs,

    /** The same, with what other replicas know. */
    async heldMs(): Promise<number> {
      const known = knownMs();
      if (known > 0) return known;
      if (performance.now() - readAt >= READ_EVERY_MS) reading ??= read().finally(() => (reading = undefined));
      await reading;
      return knownMs();
    },

    /**
     * WorkOS has answered 429.
     * @param saidMs for how long it wants to be left alone, if it said so
     * @returns for how many milliseconds it is
     */
    async begin(saidMs: number | undefined): Promise<number> {
      const before = knownMs();
      hold(saidMs ?? defaultMs);
      // Calls that were under way together are answered together: one of them tells the others.
      if (before > 0 && knownMs() - before < READ_EVERY_MS) return knownMs();
      onBegin?.(knownMs());
      await shared?.extend(knownMs()).then(hear, onFailure);
      return knownMs();
    },
  };
}

type SharedDeps = Omit<Deps, 'shared' | 'onBegin' | 'onFailure'> & {
  /** Undefined for a process that shares it with no other. */
  db: Knex | undefined;
  log: Pick<Logger, 'warn'>;
};

/** One of those that all replicas of a database keep together. */
export function makeSharedHoldOff(budget: HoldOffBudget, { db, log, ...deps }: SharedDeps): HoldOff {
  return makeHoldOff({
    ...deps,
    shared: db && recordedIn(db, budget),
    onBegin: (milliseconds) => log.warn({ budget, milliseconds }, 'WorkOS wants fewer requests; holding off'),
    onFailure: (error) =>
      log.warn({ err: error, budget }, 'failed to share the hold-off of WorkOS with other replicas'),
  });
}

/** A call to WorkOS waits no longer for the database to say whether it may be made. */
const ANSWER_MS = 1_000;

function recordedIn(db: Knex, budget: HoldOffBudget): Shared {
  const COLUMNS = `extract(epoch from until) * 1000 as until,
    extract(epoch from until - clock_timestamp()) * 1000 as left_ms`;
  const ask = async (sql: string, values: readonly (string | number)[]): Promise<Recorded | undefined> => {
    type Row = { until: string | number; left_ms: string | number };
    const { rows } = await db.raw<{ rows: Row[] }>(sql, values).timeout(ANSWER_MS);
    return rows[0] && { until: Number(rows[0].until), leftMs: Number(rows[0].left_ms) };
  };
  return {
    read: () => ask(`select ${COLUMNS} from workos_hold_offs where budget = ?`, [budget]),
    async extend(milliseconds) {
      const recorded = await ask(
        `insert into workos_hold_offs as known (budget, until)
         values (?, clock_timestamp() + ? * interval '1 millisecond')
         on conflict (budget) do update set until =
           -- One that no hold-off reaches is of a server whose clock was ahead.
           greatest(least(known.until, clock_timestamp() + ? * interval '1 millisecond'), excluded.until)
         returning ${COLUMNS}`,
        [budget, milliseconds, MAX_MS],
      );
      return recorded!;
    },
  };
}
