import { describe, expect, test } from 'vitest';
import { makeFallbackLimiter } from '../../../src/limits/shared/fallback.ts';
import type { Fallback } from '../../../src/limits/shared/fallback.ts';
import { parseLease } from '../../../src/limits/leases/lease-id.ts';
import type { Limiter, LimitRequest } from '../../../src/limits/limiter.ts';
import { UNLIMITED } from '../../../src/limits/limits.ts';
import { makeLocalLimiter } from '../../../src/limits/local-limiter.ts';

const rate = { limit: 2, windowSeconds: 60 };
const request: LimitRequest = {
  organizationId: 'org_acme',
  keyId: 'api_key_1',
  limits: { rate, organizationRate: undefined, concurrency: 1 },
  cost: 1,
  lease: false,
};

/** Shared counts that are there, that fail under way, or that are known to be lost. */
function start(fallback: Fallback) {
  const state = { open: true, failing: false, asked: 0, released: 0 };
  const reached = async <T>(value: T): Promise<T> => {
    state.asked++;
    if (state.failing) throw new Error('lost under way');
    return value;
  };
  const shared: Limiter = {
    take: () =>
      reached({
        refused: undefined,
        retryAfterSeconds: undefined,
        rate: undefined,
        lease: undefined,
        enforcement: 'shared' as const,
      }),
    takeRate: () => reached({ refused: false, remaining: 99, resetSeconds: 60, enforcement: 'shared' as const }),
    release: async () => {
      await reached(undefined);
      state.released++;
    },
  };
  const local = makeLocalLimiter({ leaseSeconds: 60, maxWindows: 10, clock: () => new Date() });
  const limiter = makeFallbackLimiter({ shared, local, isOpen: () => state.open, fallback });
  return { state, local, limiter };
}

describe('fallback limiter', () => {
  test('uses the shared counter alone while it is available', async () => {
    const { limiter, local } = start('refuse');
    expect(await limiter.take(request)).toMatchObject({ refused: undefined, enforcement: 'shared' });
    expect(await limiter.takeRate('name', rate, 1)).toMatchObject({ remaining: 99, enforcement: 'shared' });
    expect(local.sizes().windows).toBe(0);
  });

  describe.each([
    ['is lost', { open: false, failing: false }],
    ['fails under way', { open: true, failing: true }],
  ])('when what is shared %s', (_when, broken) => {
    test("'local' counts in this process, and says so", async () => {
      const { limiter, state } = start('local');
      Object.assign(state, broken);
      expect(await limiter.take(request)).toMatchObject({ refused: undefined, rate: { remaining: 1 } });
      expect(await limiter.take(request)).toMatchObject({ refused: undefined, enforcement: 'local' });
      expect(await limiter.take(request)).toMatchObject({ refused: 'rate', enforcement: 'local' });
    });

    test("'allow' lets requests pass uncounted, and says so", async () => {
      const { limiter, state, local } = start('allow');
      Object.assign(state, broken);
      for (let i = 0; i < 10; i++)
        expect(await limiter.take({ ...request, lease: true })).toEqual({
          refused: undefined,
          retryAfterSeconds: undefined,
          rate: undefined,
          lease: undefined,
          enforcement: 'none',
        });
      expect(local.sizes()).toEqual({ windows: 0, leases: 0 });
    });

    test("'refuse' refuses limited requests, and says when to retry", async () => {
      const { limiter, state } = start('refuse');
      Object.assign(state, broken);
      expect(await limiter.take(request)).toEqual({
        refused: 'rate',
        retryAfterSeconds: 1,
        rate: undefined,
        lease: undefined,
        enforcement: 'unavailable',
      });
      expect(await limiter.take({ ...request, limits: UNLIMITED })).toMatchObject({ refused: undefined });
    });

    test.each<Fallback>(['local', 'allow', 'refuse'])(
      'counts a named rate in this process with %j',
      async (fallback) => {
        const { limiter, state } = start(fallback);
        Object.assign(state, broken);
        expect(await limiter.takeRate('203.0.113.7', rate, 2)).toMatchObject({ refused: false, remaining: 0 });
        expect(await limiter.takeRate('203.0.113.7', rate, 1)).toMatchObject({ refused: true, enforcement: 'local' });
      },
    );

    test('releases without an error', async () => {
      const { limiter, state } = start('local');
      Object.assign(state, broken);
      await limiter.release({ organizationId: 'org_acme', keyId: 'api_key_1', token: '0'.repeat(32) });
      expect(state.released).toBe(0);
    });
  });

  test('answers without a promise while the link is known to be lost', () => {
    const { limiter, state } = start('local');
    state.open = false;
    expect(limiter.take(request)).not.toBeInstanceOf(Promise);
    expect(limiter.takeRate('name', rate, 1)).not.toBeInstanceOf(Promise);
    expect(state.asked).toBe(0);
  });

  test('counts nothing for a request without limits', () => {
    const { limiter, state } = start('local');
    expect(limiter.take({ ...request, limits: UNLIMITED })).toMatchObject({ refused: undefined });
    expect(state.asked).toBe(0);
  });

  test('releases a local lease locally, even after the shared counter is back', async () => {
    const { limiter, state, local } = start('local');
    state.open = false;
    const taken = await limiter.take({ ...request, lease: true });
    state.open = true;
    await limiter.release(parseLease(taken.lease!.id)!);
    expect([local.sizes().leases, state.released]).toEqual([0, 0]);
    await limiter.release(parseLease(taken.lease!.id)!);
    expect(state.released).toBe(1);
  });
});
