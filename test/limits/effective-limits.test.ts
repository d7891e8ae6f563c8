import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { effectiveLimits, isWithin } from '../../src/limits/effective-limits.ts';
import type { RateLimit } from '../../src/limits/limits.ts';

const rate = fc.record({
  limit: fc.integer({ min: 1, max: 100_000 }),
  windowSeconds: fc.integer({ min: 1, max: 90_000 }),
});
const maybeRate = fc.option(rate, { nil: undefined });
const maybePlaces = fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined });
const said = fc.record({ rate: maybeRate, concurrency: maybePlaces });
const plan = fc.record({
  rate: maybeRate,
  maxRate: maybeRate,
  concurrency: maybePlaces,
  maxConcurrency: maybePlaces,
  organizationRate: maybeRate,
});
const sources = fc.record({ own: said, template: fc.option(said, { nil: undefined }), plan });
const unbounded = sources.map((it) => ({
  ...it,
  plan: { ...it.plan, maxRate: undefined, maxConcurrency: undefined },
}));

/** How many pass a fixed window that is renewed as often as it can be, counted one window at a time. */
function passedIn(seconds: number, { limit, windowSeconds }: RateLimit): number {
  let passed = 0;
  for (let at = 0; at < seconds; at += windowSeconds) passed += limit;
  return passed;
}

describe('effectiveLimits', () => {
  test('takes the first limit of key, template and plan where there is no maximum', () => {
    fc.assert(
      fc.property(unbounded, (given) => {
        const order = [given.own, given.template, given.plan];
        const { rate, concurrency } = effectiveLimits(given);
        expect(rate).toEqual(order.find((source) => source?.rate)?.rate);
        expect(concurrency).toBe(order.find((source) => source?.concurrency !== undefined)?.concurrency);
      }),
    );
  });

  const withRateMaximum = fc.tuple(sources, rate).map(([it, maxRate]) => ({ ...it, plan: { ...it.plan, maxRate } }));

  test('caps rates at the maximum of the plan', () => {
    fc.assert(
      fc.property(withRateMaximum, (given) => {
        const { maxRate } = given.plan;
        const wanted = effectiveLimits({ ...given, plan: { ...given.plan, maxRate: undefined } }).rate;
        const { rate } = effectiveLimits(given);
        expect(passedIn(maxRate.windowSeconds, rate!)).toBeLessThanOrEqual(maxRate.limit);
        const fits = wanted !== undefined && passedIn(maxRate.windowSeconds, wanted) <= maxRate.limit;
        expect(rate).toEqual(fits ? wanted : maxRate);
      }),
    );
  });

  test('caps concurrency at the maximum of the plan', () => {
    fc.assert(
      fc.property(sources, fc.integer({ min: 1, max: 1_000 }), (given, maxConcurrency) => {
        const wanted = effectiveLimits({ ...given, plan: { ...given.plan, maxConcurrency: undefined } }).concurrency;
        const { concurrency } = effectiveLimits({ ...given, plan: { ...given.plan, maxConcurrency } });
        expect(concurrency).toBe(Math.min(wanted ?? maxConcurrency, maxConcurrency));
      }),
    );
  });

  test('takes the rate of the organization from its plan', () => {
    fc.assert(
      fc.property(sources, (given) => {
        expect(effectiveLimits(given).organizationRate).toEqual(given.plan.organizationRate);
      }),
    );
  });

  test('treats a rate as within another if no window of the other admits more', () => {
    fc.assert(
      fc.property(rate, rate, (one, other) => {
        expect(isWithin(one, one)).toBe(true);
        expect(isWithin(one, other)).toBe(passedIn(other.windowSeconds, one) <= other.limit);
      }),
    );
    expect(isWithin({ limit: 2, windowSeconds: 1 }, { limit: 100, windowSeconds: 60 })).toBe(false);
    expect(isWithin({ limit: 100, windowSeconds: 3_600 }, { limit: 100, windowSeconds: 60 })).toBe(true);
  });
});
