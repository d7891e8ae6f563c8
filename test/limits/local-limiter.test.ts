import { describe, expect, test } from 'vitest';
import { parseLease } from '../../src/limits/leases/lease-id.ts';
import type { LimitRequest, Taken } from '../../src/limits/limiter.ts';
import { UNLIMITED } from '../../src/limits/limits.ts';
import type { KeyLimits } from '../../src/limits/limits.ts';
import { makeLocalLimiter } from '../../src/limits/local-limiter.ts';

const LEASE_SECONDS = 60;
const PER_MINUTE = { limit: 3, windowSeconds: 60 };

/** A limiter with two clocks that a test moves: the one that only goes forward, and the calendar. */
function start({ maxWindows = 100 } = {}) {
  const time = { monotonicMs: 5_000, calendarMs: Date.parse('2026-11-20T12:00:00Z') };
  const limiter = makeLocalLimiter({
    leaseSeconds: LEASE_SECONDS,
    maxWindows,
    clock: () => new Date(time.calendarMs),
    nowMs: () => time.monotonicMs,
  });
  const take = (limits: Partial<KeyLimits>, more: Partial<LimitRequest> = {}): Taken =>
    limiter.take({
      organizationId: 'org_acme',
      keyId: 'api_key_1',
      limits: { ...UNLIMITED, ...limits },
      cost: 1,
      lease: false,
      ...more,
    });
  return { limiter, time, take, pass: (ms: number) => (time.monotonicMs += ms) };
}

const placeOf = ({ lease }: Taken) => parseLease(lease!.id)!;

describe('a rate', () => {
  test('lets exactly its limit through in a window, which begins with its first request', () => {
    const { take, pass } = start();
    pass(30_000);
    const left = [1, 2, 3].map(() => take({ rate: PER_MINUTE }).rate);
    expect(left.map((rate) => rate?.remaining)).toEqual([2, 1, 0]);
    expect(left[0]).toEqual({ ...PER_MINUTE, scope: 'key', remaining: 2, resetSeconds: 60 });
    pass(59_500);
    expect(take({ rate: PER_MINUTE })).toEqual({
      refused: 'rate',
      retryAfterSeconds: 1,
      rate: { ...PER_MINUTE, scope: 'key', remaining: 0, resetSeconds: 1 },
      lease: undefined,
      enforcement: 'local',
    });
    pass(500);
    expect(take({ rate: PER_MINUTE })).toMatchObject({ refused: undefined, rate: { remaining: 2, resetSeconds: 60 } });
  });

  test('counts a cost at once or not at all, and always refuses one beyond its limit', () => {
    const { take } = start();
    expect(take({ rate: PER_MINUTE }, { cost: 4 })).toMatchObject({ refused: 'rate', retryAfterSeconds: 60 });
    expect(take({ rate: PER_MINUTE }, { cost: 2 }).rate?.remaining).toBe(1);
    expect(take({ rate: PER_MINUTE }, { cost: 2 })).toMatchObject({ refused: 'rate', rate: { remaining: 1 } });
    expect(take({ rate: PER_MINUTE }, { cost: 1 })).toMatchObject({ refused: undefined, rate: { remaining: 0 } });
  });

  test('is read but not counted for a cost of 0, which it never refuses', () => {
    const { take, pass } = start();
    expect(take({ rate: PER_MINUTE }, { cost: 0 }).rate).toMatchObject({ remaining: 3, resetSeconds: 60 });
    pass(50_000);
    expect(take({ rate: PER_MINUTE }, { cost: 3 }).rate).toMatchObject({ remaining: 0, resetSeconds: 60 });
    pass(50_000);
    expect(take({ rate: PER_MINUTE }, { cost: 0 })).toMatchObject({ refused: undefined, rate: { remaining: 0 } });
    expect(take({ rate: PER_MINUTE }).refused).toBe('rate');
  });

  test('applies a changed limit in the same window', () => {
    const { take } = start();
    take({ rate: PER_MINUTE }, { cost: 3 });
    expect(take({ rate: { ...PER_MINUTE, limit: 2 } })).toMatchObject({ refused: 'rate', rate: { remaining: 0 } });
    expect(take({ rate: { ...PER_MINUTE, limit: 5 } })).toMatchObject({ refused: undefined, rate: { remaining: 1 } });
    expect(take({ rate: { limit: 3, windowSeconds: 10 } }).rate).toMatchObject({ remaining: 2, resetSeconds: 10 });
  });

  test('is separate for each key and name', () => {
    const { take, limiter } = start();
    take({ rate: PER_MINUTE }, { cost: 3 });
    expect(take({ rate: PER_MINUTE }, { keyId: 'api_key_2' }).refused).toBeUndefined();
    const used = { remaining: 0, resetSeconds: 60, enforcement: 'local' };
    expect(limiter.takeRate('api_key_1', PER_MINUTE, 3)).toEqual({ refused: false, ...used });
    expect(limiter.takeRate('api_key_1', PER_MINUTE, 1)).toEqual({ refused: true, ...used });
    expect(limiter.takeRate('api_key_1', PER_MINUTE, 0).refused).toBe(false);
    expect(limiter.takeRate('203.0.113.7', PER_MINUTE, 1).refused).toBe(false);
  });
});

describe('all limits of a key', () => {
  const both = { rate: PER_MINUTE, organizationRate: { limit: 4, windowSeconds: 300 } };

  test('count a request together, or none does', () => {
    const { take } = start();
    take(both, { cost: 3 });
    expect(take(both, { keyId: 'api_key_2', cost: 2 })).toMatchObject({
      refused: 'rate',
      retryAfterSeconds: 300,
      rate: { scope: 'organization', remaining: 1 },
    });
    expect(take({ rate: PER_MINUTE }, { keyId: 'api_key_2', cost: 0 }).rate?.remaining).toBe(3);
    expect(take(both).rate).toMatchObject({ scope: 'key', remaining: 0 });
    expect(take({ organizationRate: both.organizationRate }, { cost: 0 }).rate?.remaining).toBe(1);
  });

  test('return the rate that refuses for longer, or has less left', () => {
    const { take } = start();
    expect(take({ rate: PER_MINUTE, organizationRate: { limit: 3, windowSeconds: 10 } }).rate?.scope).toBe('key');
    expect(take({ rate: PER_MINUTE, organizationRate: { limit: 2, windowSeconds: 10 } }).rate).toMatchObject({
      scope: 'organization',
      remaining: 0,
    });
    const neither = take(both, { cost: 5, keyId: 'api_key_3' });
    expect(neither).toMatchObject({ retryAfterSeconds: 300, rate: { scope: 'organization' } });
  });

  test('count nothing against rates without a free slot, and take no slot when a rate refuses', () => {
    const { take, limiter } = start();
    const limits = { ...both, concurrency: 1 };
    take(limits, { lease: true });
    expect(take(limits, { lease: true })).toMatchObject({
      refused: 'concurrency',
      retryAfterSeconds: 1,
      lease: undefined,
      rate: { scope: 'key', remaining: 2 },
    });
    expect(take(limits, { cost: 0 }).rate?.remaining).toBe(2);
    take(limits, { cost: 2 });
    expect(take(limits, { lease: true }).refused).toBe('rate');
    expect(limiter.sizes().leases).toBe(1);
  });

  test('keep nothing for a key without limits', () => {
    const { take, limiter } = start();
    const passed = take({ concurrency: 1 });
    expect(passed).toMatchObject({ refused: undefined, rate: undefined, lease: undefined, enforcement: 'local' });
    expect(take({}, { lease: true }).lease).toBeUndefined();
    expect(limiter.sizes()).toEqual({ windows: 0, leases: 0 });
  });
});

describe('a lease', () => {
  const two = { concurrency: 2 };

  test('holds a concurrency slot until it is released', async () => {
    const { take, limiter } = start();
    const first = take(two, { lease: true });
    take(two, { lease: true });
    expect(take(two, { lease: true })).toMatchObject({ refused: 'concurrency', retryAfterSeconds: 1 });
    expect(take(two, { lease: true, keyId: 'api_key_2' }).refused).toBeUndefined();
    await limiter.release(placeOf(first));
    expect(take(two, { lease: true }).refused).toBeUndefined();
    expect(take(two, { lease: true }).refused).toBe('concurrency');
  });

  test('is released once, by its own key and organization; an unknown one is no error', async () => {
    const { take, limiter } = start();
    const place = placeOf(take({ concurrency: 3 }, { lease: true }));
    take({ concurrency: 3 }, { lease: true });
    await limiter.release({ ...place, organizationId: 'org_globex' });
    await limiter.release({ ...place, keyId: 'api_key_2' });
    await limiter.release({ ...place, token: '0'.repeat(32) });
    expect(limiter.sizes().leases).toBe(2);
    await limiter.release(place);
    await limiter.release(place);
    expect(limiter.sizes().leases).toBe(1);
    expect(take(two, { lease: true }).refused).toBeUndefined();
    expect(take(two, { lease: true }).refused).toBe('concurrency');
  });

  test('expires if it is never released, the oldest first', () => {
    const { take, pass, limiter } = start();
    const { lease } = take(two, { lease: true });
    expect(lease?.expiresAt).toEqual(new Date('2026-11-20T12:01:00Z'));
    pass(20_000);
    take(two, { lease: true });
    pass(39_999);
    expect(take(two, { lease: true }).refused).toBe('concurrency');
    pass(1);
    expect(take(two, { lease: true }).refused).toBeUndefined();
    expect(take(two, { lease: true }).refused).toBe('concurrency');
    pass(20_000);
    expect(take(two, { lease: true }).refused).toBeUndefined();
    expect(limiter.sizes().leases).toBe(2);
  });

  test('is forgotten once expired, however many there were', async () => {
    const { take, pass, limiter } = start();
    for (let round = 0; round < 100; round++) {
      const taken = Array.from({ length: 50 }, (_, i) =>
        take({ concurrency: 1_000 }, { lease: true, keyId: `api_key_${round}_${i}` }),
      );
      for (const [i, one] of taken.entries()) if (i % 3 === 0) await limiter.release(placeOf(one));
      pass(LEASE_SECONDS * 500);
    }
    // Those of the last two rounds, which have not ended.
    expect(limiter.sizes().leases).toBe(66);
  });
});

test('ignores jumps of the calendar clock in windows and leases', () => {
  const { take, time, pass } = start();
  const limits = { rate: PER_MINUTE, concurrency: 1 };
  take(limits, { lease: true, cost: 2 });
  for (const jumpMs of [3_600_000, -7_200_000]) {
    time.calendarMs += jumpMs;
    expect(take(limits, { cost: 0 }).rate).toMatchObject({ remaining: 1, resetSeconds: 60 });
    expect(take(limits, { lease: true }).refused).toBe('concurrency');
  }
  pass(60_000);
  const next = take(limits, { lease: true });
  expect(next).toMatchObject({ refused: undefined, rate: { remaining: 2 } });
  expect(next.lease?.expiresAt.getTime()).toBe(time.calendarMs + 60_000);
});

test('bounds memory for a million names without evicting keys', () => {
  const { take, limiter } = start({ maxWindows: 1_000 });
  take({ rate: PER_MINUTE }, { cost: 3 });
  for (let i = 0; i < 1_000_000; i++) limiter.takeRate(`address ${i}`, PER_MINUTE, 1);
  expect(limiter.sizes().windows).toBe(1_001);
  expect(take({ rate: PER_MINUTE }).refused).toBe('rate');
  for (let i = 0; i < 10_000; i++) take({ rate: PER_MINUTE }, { keyId: `api_key_${i}`, organizationId: `org_${i}` });
  expect(limiter.sizes().windows).toBe(2_000);
});

test('answers without a promise', () => {
  const { take, limiter } = start();
  expect(take({ rate: PER_MINUTE })).not.toBeInstanceOf(Promise);
  expect(limiter.takeRate('name', PER_MINUTE, 1)).not.toBeInstanceOf(Promise);
});
