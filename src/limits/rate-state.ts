import type { LimitRequest, RateState, Taken } from './limiter.ts';
import type { RateLimit } from './limits.ts';

/** It is unknown when a slot will be free; a retry may come this soon. */
export const SLOT_RETRY_SECONDS = 1;

/** The answer for a request that no limit bounds. */
export const NOT_LIMITED: Taken = Object.freeze({
  refused: undefined,
  retryAfterSeconds: undefined,
  rate: undefined,
  lease: undefined,
  enforcement: 'local',
});

/** Whether a limit bounds this request; concurrency does only if the request wants a slot. */
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

/** Rounds up to whole seconds, at least 1: a client that waits this long finds a new window. */
export function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000));
}

/** Returns the rate that refuses; of two, the one that does so for longer. */
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
