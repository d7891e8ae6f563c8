import { mostIn } from './limits.ts';
import type { KeyLimits, RateLimit } from './limits.ts';

/** What a key itself, or the template it was made from, says; undefined: nothing. */
export type SaidLimits = { rate: RateLimit | undefined; concurrency: number | undefined };

/** What an organization's plan says; undefined: no limit. */
export type PlanLimits = KeyLimits & {
  /** What no key goes beyond, whatever it or its template says. */
  maxRate: RateLimit | undefined;
  maxConcurrency: number | undefined;
};

type Sources = { own: SaidLimits; template: SaidLimits | undefined; plan: PlanLimits };

/** The limits that a key has: its own, else its template's, else its plan's, and never beyond the plan's maximum. */
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
