import type { Clock } from '../clock.ts';
import { makeLeases } from './leases/leases.ts';
import type { Lease, LeasedPlace, LimitRequest, Limiter, RateState, RateTaken, Taken } from './limiter.ts';
import type { RateLimit } from './limits.ts';
import {
  NOT_LIMITED,
  PLACE_RETRY_SECONDS,
  isBounded,
  leastLeft,
  rateState,
  refusing,
  wholeSeconds,
} from './rate-state.ts';
import { makeWindows } from './windows.ts';

type Options = {
  leaseSeconds: number;
  /** Windows kept at most, of keys, of organizations and of other names each. */
  maxWindows: number;
  /** Calendar time, for the end of a lease as it is told. */
  clock: Clock;
  /** Milliseconds that only go forward, whatever happens to the calendar. */
  nowMs?: () => number;
};

/** Never a promise: there is nobody to wait for. */
export type LocalLimiter = Omit<Limiter, 'take' | 'takeRate'> & {
  take(request: LimitRequest): Taken;
  takeRate(name: string, rate: RateLimit, cost: number): RateTaken;
  /** @returns whether the place was held in this process */
  giveBack(place: LeasedPlace): boolean;
  sizes(): { windows: number; leases: number };
};

/** Counts in the memory of this process. */
export function makeLocalLimiter({
  leaseSeconds,
  maxWindows,
  clock,
  nowMs = () => performance.now(),
}: Options): LocalLimiter {
  const leaseMs = leaseSeconds * 1_000;
  // Apart, so that a flood of names that anybody may make up pushes out no key's window.
  const keys = makeWindows({ max: maxWindows });
  const organizations = makeWindows({ max: maxWindows });
  const names = makeWindows({ max: maxWindows });
  const leases = makeLeases({ leaseMs });

  function take(request: LimitRequest): Taken {
    if (!isBounded(request)) return NOT_LIMITED;
    const { organizationId, keyId, limits, cost, lease } = request;
    const now = nowMs();
    const { rate, organizationRate, concurrency } = limits;
    const own = rate && rateState('key', rate, keys.look(keyId, rate, now));
    const shared =
      organizationRate &&
      rateState('organization', organizationRate, organizations.look(organizationId, organizationRate, now));
    const refused = refusing(own, shared, cost);
    if (refused) return answer('rate', refused.resetSeconds, refused, undefined);
    const wantsPlace = lease && concurrency !== undefined;
    if (wantsPlace && !leases.hasPlace(keyId, concurrency, now))
      return answer('concurrency', PLACE_RETRY_SECONDS, leastLeft(own, shared), undefined);
    if (own) keys.count(keyId, own, cost, now);
    if (shared) organizations.count(organizationId, shared, cost, now);
    const lent = wantsPlace
      ? { id: leases.take(organizationId, keyId, now), expiresAt: new Date(clock().getTime() + leaseMs) }
      : undefined;
    return answer(undefined, undefined, leastLeft(own, shared), lent);
  }

  function takeRate(name: string, rate: RateLimit, cost: number): RateTaken {
    const now = nowMs();
    const left = { ...rate, ...names.look(name, rate, now) };
    const refused = cost > left.remaining;
    if (!refused) names.count(name, left, cost, now);
    return { refused, remaining: left.remaining, resetSeconds: wholeSeconds(left.resetMs), enforcement: 'local' };
  }

  return {
    take,
    takeRate,
    giveBack: leases.release,
    release: async (place) => void leases.release(place),
    sizes: () => ({ windows: keys.size() + organizations.size() + names.size(), leases: leases.size() }),
  };
}

function answer(
  refused: Taken['refused'],
  retryAfterSeconds: number | undefined,
  rate: RateState | undefined,
  lease: Lease | undefined,
): Taken {
  return { refused, retryAfterSeconds, rate, lease, enforcement: 'local' };
}
