import { makeTokenBucket } from './token-bucket.ts';

type Options = {
  /** Turns a second for all names together; as many at once after a rest. */
  perSecond: number;
  /** How many processes share the turns equally; one unless given. */
  replicas?: () => number;
  /** How long a request may wait for a turn. */
  maxWaitMs: number;
  /** How many requests may wait under one name. */
  maxWaiting?: number;
  nowMs?: () => number;
  /** Called for each turn that was given or refused. */
  count?: (outcome: 'taken' | 'refused') => void;
};
type Waiting = { untilMs: number; resolve: (given: boolean) => void };
type Tier = Map<string, Waiting[]>;

export type FairTurns = ReturnType<typeof makeFairTurns>;

const MAX_WAITING = 100;
const MAX_NAMES = 1_000;
const MIN_TICK_MS = 5;

/**
 * Shares a rate among names. While some of it is left, every request gets a turn at once. When it runs short, tiers take
 * turns, and names within a tier: no name crowds out others by asking often, no tier by having many names. The number of
 * names, of waiting requests and the wait are bounded.
 */
export function makeFairTurns({ perSecond, maxWaitMs, maxWaiting = MAX_WAITING, count, ...options }: Options) {
  const nowMs = options.nowMs ?? (() => performance.now());
  const tiers = new Map<string, Tier>();
  const rate = () => perSecond / (options.replicas?.() ?? 1);
  const bucket = makeTokenBucket({ tokens: rate, everyMs: 1_000, nowMs });
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    timer = undefined;
    dropLate(tiers, nowMs());
    while (tiers.size > 0 && bucket.take()) takeNext(tiers)?.resolve(true);
    if (tiers.size > 0) timer = setTimeout(tick, Math.max(MIN_TICK_MS, 1_000 / rate()));
  }

  function wait(name: string, tierName: string): Promise<boolean> {
    const tier = tiers.get(tierName) ?? new Map<string, Waiting[]>();
    const waiting = tier.get(name) ?? [];
    if (waiting.length >= maxWaiting || (waiting.length === 0 && tier.size >= MAX_NAMES)) return Promise.resolve(false);
    return new Promise((resolve) => {
      tiers.set(tierName, tier.set(name, waiting));
      waiting.push({ untilMs: nowMs() + maxWaitMs, resolve });
      timer ??= setTimeout(tick, MIN_TICK_MS);
    });
  }

  /** Takes a turn if one is left and no request waits. */
  const turnNow = () => tiers.size === 0 && bucket.take();
  const counted = (given: boolean) => {
    count?.(given ? 'taken' : 'refused');
    return given;
  };

  return {
    /** @returns whether there was a turn in time */
    turn: async (name: string, tier = ''): Promise<boolean> => counted(turnNow() || (await wait(name, tier))),

    /** Like `turn`, without waiting. */
    turnNow: (): boolean => counted(turnNow()),
  };
}

/** Takes the first request of the first name of the first tier, and moves name and tier to the end of their lines. */
function takeNext(tiers: Map<string, Tier>): Waiting | undefined {
  const [first] = tiers;
  if (!first) return undefined;
  const [tierName, tier] = first;
  const [[name, waiting] = ['', []]] = tier;
  const next = waiting.shift();
  tier.delete(name);
  if (waiting.length > 0) tier.set(name, waiting);
  tiers.delete(tierName);
  if (tier.size > 0) tiers.set(tierName, tier);
  return next;
}

function dropLate(tiers: Map<string, Tier>, now: number): void {
  for (const [tierName, tier] of tiers) {
    for (const [name, waiting] of tier) {
      while (waiting[0] && waiting[0].untilMs <= now) waiting.shift()!.resolve(false);
      if (waiting.length === 0) tier.delete(name);
    }
    if (tier.size === 0) tiers.delete(tierName);
  }
}
