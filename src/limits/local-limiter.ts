import type { Clock } from '../clock.ts';
import { makeLeases } from './leases/leases.ts';
import type { Lease, LeasedSlot, LimitRequest, Limiter, RateState, RateTaken, Taken } from './limiter.ts';
import type { RateLimit } from './limits.ts';
import {
  NOT_LIMITED,
  SLOT_RETRY_SECONDS,
  isBounded,
  leastLeft,
  rateState,
  refusing,
  wholeSeconds,
} from './rate-state.ts';
import { makeWindows } from './windows.ts';

type Options = {
  leaseSeconds: number;
  /** At most this many windows each of keys, organizations and other names. */
  maxWindows: number;
  /** Calendar time, for the published expiry of a lease. */
  clock: Clock;
  /** The monotonic clock. */
  nowMs?: () => number;
};

/** A limiter in memory, which never returns a promise from `take`. */
export type LocalLimiter = Omit<Limiter, 'take' | 'takeRate'> & {
  take(request: LimitRequest): Taken;
  takeRate(name: string, rate: RateLimit, cost: number): RateTaken;
  /** @returns whether this process held the slot */
  giveBack(slot: LeasedSlot): boolean;
  sizes(): { windows: number; leases: number };
};

/** Counts requests in the memory of this process. */
export function makeLocalLimiter({
  leaseSeconds,
  maxWindows,
  clock,
  nowMs = () => performance.now(),
}: Options): LocalLimiter {
  const leaseMs = leaseSeconds * 1_000;
  // Apart, so that a flood of made-up names evicts no key's window.
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
    const wantsSlot = lease && concurrency !== undefined;
    if (wantsSlot && !leases.hasSlot(keyId, concurrency, now))
      return answer('concurrency', SLOT_RETRY_SECONDS, leastLeft(own, shared), undefined);
    if (own) keys.count(keyId, own, cost, now);
    if (shared) organizations.count(organizationId, shared, cost, now);
    const lent = wantsSlot
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
    release: async (slot) => void leases.release(slot),
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
