import { mostIn } from './limits.ts';
import type { KeyLimits, RateLimit } from './limits.ts';

/** The limits that a key or its template sets; undefined where it sets none. */
export type OwnLimits = { rate: RateLimit | undefined; concurrency: number | undefined };

/** The limits that a plan sets; undefined: no limit. */
export type PlanLimits = KeyLimits & {
  /** Bounds every key, whatever it or its template sets. */
  maxRate: RateLimit | undefined;
  maxConcurrency: number | undefined;
};

type Sources = { own: OwnLimits; template: OwnLimits | undefined; plan: PlanLimits };

/** Returns a key's limits: its own, else its template's, else its plan's, never beyond the plan's maximum. */
export function effectiveLimits({ own, template, plan }: Sources): KeyLimits {
  const rate = own.rate ?? template?.rate ?? plan.rate;
  const concurrency = own.concurrency ?? template?.concurrency ?? plan.concurrency;
  return {
    rate: plan.maxRate && !(rate && isWithin(rate, plan.maxRate)) ? plan.maxRate : rate,
    concurrency:
      plan.maxConcurrency === undefined ? concurrency : Math.min(concurrency ?? Infinity, plan.maxConcurrency),
    organizationRate: plan.organizationRate,
  };
}

/** Whether a rate never lets more through than `max`, in any window of `max`. */
export function isWithin(rate: RateLimit, max: RateLimit): boolean {
  return mostIn(max.windowSeconds, rate) <= max.limit;
}
