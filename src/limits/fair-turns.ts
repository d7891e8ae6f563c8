type Options = {
  /** Turns a second, for everybody together; as many at once after a rest. */
  perSecond: number;
  /** How many processes share them, each with an equal part; only this one, unless given. */
  replicas?: () => number;
  /** How long one may wait for a turn. */
  maxWaitMs: number;
  /** How many may wait under one name. */
  maxWaiting?: number;
  nowMs?: () => number;
  /** Told of each turn that was given, or refused. */
  count?: (outcome: 'taken' | 'refused') => void;
};
type Waiting = { untilMs: number; resolve: (given: boolean) => void };
type Tier = Map<string, Waiting[]>;

export type FairTurns = ReturnType<typeof makeFairTurns>;

const MAX_WAITING = 100;
const MAX_NAMES = 1_000;
const MIN_TICK_MS = 5;

/**
 * Shares a rate among names: while there is some left everybody has a turn at once; when it runs short, tiers have one
 * after the other, and in a tier names. So no name takes another's turn however often it asks, and no tier another's
 * however many names it has. Bounded in names, in those that wait, and in time.
 */
export function makeFairTurns({ perSecond, maxWaitMs, maxWaiting = MAX_WAITING, count, ...options }: Options) {
  const nowMs = options.nowMs ?? (() => performance.now());
  const tiers = new Map<string, Tier>();
  const rate = () => perSecond / (options.replicas?.() ?? 1);
  const allowance = makeAllowance(rate, nowMs);
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    timer = undefined;
    dropLate(tiers, nowMs());
    while (tiers.size > 0 && allowance.take()) takeNext(tiers)?.resolve(true);
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

  /** A turn that can be had now: nobody waits for it. */
  const turnNow = () => tiers.size === 0 && allowance.take();
  const counted = (given: boolean) => {
    count?.(given ? 'taken' : 'refused');
    return given;
  };

  return {
    /** @returns whether there was a turn in time */
    turn: async (name: string, tier = ''): Promise<boolean> => counted(turnNow() || (await wait(name, tier))),

    /** The same without waiting. */
    turnNow: (): boolean => counted(turnNow()),
  };
}

/** So many a second, and as many at once after a rest. */
function makeAllowance(rate: () => number, nowMs: () => number) {
  let allowance = Math.max(1, rate());
  let countedAtMs = nowMs();
  return {
    take(): boolean {
      const now = nowMs();
      allowance = Math.min(Math.max(1, rate()), allowance + ((now - countedAtMs) / 1_000) * rate());
      countedAtMs = now;
      if (allowance < 1) return false;
      allowance -= 1;
      return true;
    },
  };
}

/** The first of the first name of the first tier; each of these goes to the end of its line. */
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
