import type { LimitRequest, Limiter, RateTaken, Taken } from '../limiter.ts';
import type { RateLimit } from '../limits.ts';
import type { LocalLimiter } from '../local-limiter.ts';
import { isBounded } from '../rate-state.ts';

/** What to do with requests while the shared counter is lost. */
export const FALLBACKS = ['local', 'allow', 'refuse'] as const;
export type Fallback = (typeof FALLBACKS)[number];

type Deps = {
  shared: Limiter;
  /** The limiter of this process. */
  local: LocalLimiter;
  isOpen: () => boolean;
  fallback: Fallback;
};

const UNCOUNTED: Taken = Object.freeze({
  refused: undefined,
  retryAfterSeconds: undefined,
  rate: undefined,
  lease: undefined,
  enforcement: 'none',
});

const UNAVAILABLE: Taken = Object.freeze({
  refused: 'rate',
  // The link reconnects about as often.
  retryAfterSeconds: 1,
  rate: undefined,
  lease: undefined,
  enforcement: 'unavailable',
});

/** Counts together with all replicas. While the shared counter is lost it does what is configured, and says so. */
export function makeFallbackLimiter({ shared, local, isOpen, fallback }: Deps): Limiter {
  const unshared: Record<Fallback, (request: LimitRequest) => Taken> = {
    local: (request) => local.take(request),
    allow: () => UNCOUNTED,
    refuse: () => UNAVAILABLE,
  };
  const alone = (request: LimitRequest) => (isBounded(request) ? unshared[fallback] : unshared.local)(request);

  async function together(request: LimitRequest): Promise<Taken> {
    try {
      return await shared.take(request);
    } catch {
      // The link is lost with it, and has logged that.
      return alone(request);
    }
  }

  // These rates protect Latchkey itself: a lost counter must neither lock callers out nor make guessing free.
  async function takeRateTogether(name: string, rate: RateLimit, cost: number): Promise<RateTaken> {
    try {
      return await shared.takeRate(name, rate, cost);
    } catch {
      return local.takeRate(name, rate, cost);
    }
  }

  return {
    take: (request) => (isOpen() && isBounded(request) ? together(request) : alone(request)),
    takeRate: (name, rate, cost) => (isOpen() ? takeRateTogether(name, rate, cost) : local.takeRate(name, rate, cost)),
    async release(slot) {
      if (local.giveBack(slot) || !isOpen()) return;
      // A lease that cannot be released expires by itself.
      await shared.release(slot).catch(() => undefined);
    },
  };
}
