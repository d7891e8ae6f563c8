import type { Use } from './use.ts';

/** Counts one outcome of a key within an hour. */
export type Counter = { code: string; hourMs: number; count: number };

/** The unwritten uses of one key. */
export type KeyUses = {
  organizationId: string;
  keyId: string;
  counters: Counter[];
  /** Its last valid use, in calendar time; -Infinity if there was none. */
  usedAtMs: number;
  ip: string | undefined;
  userAgent: string | undefined;
  /** The day on which each scope was last required by a valid use, as milliseconds. */
  scopes: Map<string, number> | undefined;
};

export type UsageMemory = ReturnType<typeof makeUsageMemory>;

type Options = {
  /** The most counters of all keys together, and the most scopes. */
  maxCounters: number;
  /** Called when the last free counter is taken: memory should be flushed now. */
  onFull: () => void;
  /** Called with the number of uses that found no room. */
  onDropped: (uses: number) => void;
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Gathers uses until they are flushed. Each verification passes through `note`, which costs a look-up by key id (ids are
 * unique across organizations) and an addition.
 */
export function makeUsageMemory({ maxCounters, onFull, onDropped }: Options) {
  let keys = new Map<string, KeyUses>();
  let counters = 0;
  const lastUses = makeLastUses(maxCounters);
  let waiting = 0;

  /** @returns the key's uses, also where there was no room for the counter; undefined for a key without any */
  function count(use: Pick<Use, 'organizationId' | 'keyId'>, code: string, hourMs: number, n: number) {
    const known = keys.get(use.keyId);
    const counter = known && findCounter(known.counters, code, hourMs);
    if (!counter && counters >= maxCounters) {
      onDropped(n);
      return known;
    }
    waiting += n;
    if (counter) {
      counter.count += n;
      return known;
    }
    counters++;
    const uses = known ?? nothingOf(use);
    uses.counters.push({ code, hourMs, count: n });
    if (!known) keys.set(use.keyId, uses);
    return uses;
  }

  return {
    note(use: Use): void {
      const { code, atMs } = use;
      const before = counters;
      const uses = count(use, code, atMs - (atMs % HOUR_MS), use.count);
      if (uses && code === 'valid') lastUses.move(uses, use);
      if (counters === maxCounters && before !== counters) onFull();
    },

    /** Hands all uses to the caller, by key. */
    take(): KeyUses[] {
      const taken = [...keys.values()];
      keys = new Map();
      counters = 0;
      lastUses.clear();
      waiting = 0;
      return taken;
    },

    /** Adds unwritten uses to those that came since, as far as there is room. */
    putBack(taken: readonly KeyUses[]): void {
      for (const key of taken) {
        for (const { code, hourMs, count: n } of key.counters) count(key, code, hourMs, n);
        const uses = keys.get(key.keyId);
        if (uses) lastUses.putBack(uses, key);
      }
    },

    /** The number of uses in memory. */
    waiting: (): number => waiting,
  };
}

// A loop, because a closure for `find` would cost as much as everything else in `note`. The last counter nearly always fits.
function findCounter(counters: readonly Counter[], code: string, hourMs: number): Counter | undefined {
  for (let i = counters.length - 1; i >= 0; i--) {
    const counter = counters[i]!;
    if (counter.hourMs === hourMs && counter.code === code) return counter;
  }
  return undefined;
}

function nothingOf({ organizationId, keyId }: Pick<Use, 'organizationId' | 'keyId'>): KeyUses {
  return {
    organizationId,
    keyId,
    counters: [],
    usedAtMs: -Infinity,
    ip: undefined,
    userAgent: undefined,
    scopes: undefined,
  };
}

function moveLastUse(uses: KeyUses, atMs: number, ip: string | undefined, userAgent: string | undefined): void {
  if (atMs <= uses.usedAtMs) return;
  uses.usedAtMs = atMs;
  uses.ip = ip;
  uses.userAgent = userAgent;
}

/** Moves last uses. Keeps `maxScopes` scopes of all keys together; one that finds no room is noted by its next use. */
function makeLastUses(maxScopes: number) {
  let kept = 0;

  function moveScope(uses: KeyUses, scope: string, dayMs: number): void {
    const known = uses.scopes?.get(scope);
    if (known === undefined ? kept >= maxScopes : known >= dayMs) return;
    if (known === undefined) kept++;
    (uses.scopes ??= new Map()).set(scope, dayMs);
  }

  return {
    move(uses: KeyUses, { atMs, ip, userAgent, scopes }: Use): void {
      moveLastUse(uses, atMs, ip, userAgent);
      if (scopes) for (const scope of scopes) moveScope(uses, scope, atMs - (atMs % DAY_MS));
    },
    putBack(uses: KeyUses, { usedAtMs, ip, userAgent, scopes = new Map() }: KeyUses): void {
      moveLastUse(uses, usedAtMs, ip, userAgent);
      for (const [scope, dayMs] of scopes) moveScope(uses, scope, dayMs);
    },
    clear(): void {
      kept = 0;
    },
  };
}
