import type { LimitRequest, Limiter, RateTaken, Taken } from '../limiter.ts';
import type { RateLimit } from '../limits.ts';
import type { LocalLimiter } from '../local-limiter.ts';
import { isBounded } from '../rate-state.ts';

/** What happens to requests while the shared counts are lost. */
export const FALLBACKS = ['local', 'allow', 'refuse'] as const;
export type Fallback = (typeof FALLBACKS)[number];

type Deps = {
  shared: Limiter;
  /** Counts in this process. */
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
  // The connection is tried about as often.
  retryAfterSeconds: 1,
  rate: undefined,
  lease: undefined,
  enforcement: 'unavailable',
});

/** Counts with all replicas, and while that is not possible does what is configured; an answer says which it was. */
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
      // The connection was lost with it, which has been said.
      return alone(request);
    }
  }

  // These rates guard Latchkey itself: nobody shall be locked out by them, and guessing shall not be free.
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
    async release(place) {
      if (local.giveBack(place) || !isOpen()) return;
      // What cannot be given back now ends by itself.
      await shared.release(place).catch(() => undefined);
    },
  };
}
