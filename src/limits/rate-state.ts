import type { LimitRequest, RateState, Taken } from './limiter.ts';
import type { RateLimit } from './limits.ts';

/** Nobody knows when a place is given back; this is soon enough to ask again. */
export const PLACE_RETRY_SECONDS = 1;

/** The answer where nothing is limited: there is nothing to count, and so nobody to ask. */
export const NOT_LIMITED: Taken = Object.freeze({
  refused: undefined,
  retryAfterSeconds: undefined,
  rate: undefined,
  lease: undefined,
  enforcement: 'local',
});

/** Whether anything bounds this very request: a limit of concurrency does only when it wants a place. */
export function isBounded({ limits, lease }: LimitRequest): boolean {
  return (
    limits.rate !== undefined || limits.organizationRate !== undefined || (lease && limits.concurrency !== undefined)
  );
}

export function rateState(
  scope: RateState['scope'],
  rate: RateLimit,
  { remaining, resetMs }: { remaining: number; resetMs: number },
): RateState {
  const { limit, windowSeconds } = rate;
  return { limit, windowSeconds, scope, remaining, resetSeconds: wholeSeconds(resetMs) };
}

/** At least 1: a client that waits this long finds a new window. */
export function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000));
}

/** Which rate refuses; of two the one that does so for longer, because the other alone would not help. */
export function refusing(
  own: RateState | undefined,
  organization: RateState | undefined,
  cost: number,
): RateState | undefined {
  const first = own !== undefined && cost > own.remaining ? own : undefined;
  const second = organization !== undefined && cost > organization.remaining ? organization : undefined;
  if (first === undefined || second === undefined) return first ?? second;
  return second.resetSeconds > first.resetSeconds ? second : first;
}

export function leastLeft(own: RateState | undefined, organization: RateState | undefined): RateState | undefined {
  if (own === undefined || organization === undefined) return own ?? organization;
  return organization.remaining < own.remaining ? organization : own;
}
