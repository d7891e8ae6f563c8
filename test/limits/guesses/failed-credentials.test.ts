import { describe, expect, test } from 'vitest';
import { makeFailedCredentials } from '../../../src/limits/guesses/failed-credentials.ts';
import { makeLocalLimiter } from '../../../src/limits/local-limiter.ts';

function start(perMinute = 3) {
  let nowMs = 1_000_000;
  const clock = () => new Date(nowMs);
  const asked: string[] = [];
  const limiter = makeLocalLimiter({ leaseSeconds: 60, maxWindows: 100, clock, nowMs: () => nowMs });
  const takeRate: typeof limiter.takeRate = (name, rate, cost) => {
    asked.push(name);
    return limiter.takeRate(name, rate, cost);
  };
  const failures = makeFailedCredentials({ limiter: { takeRate }, perMinute, clock });
  const fail = async (address: string, times: number) => {
    for (let i = 0; i < times - 1; i++) await failures.count({ address: address });
    return failures.count({ address: address });
  };
  return { failures, fail, asked, pass: (seconds: number) => void (nowMs += seconds * 1_000) };
}

const over = (seconds: number) => ({ seconds, enforcement: 'local' });

describe('failed credentials', () => {
  test('puts an address over its limit with one failure too many, until its minute ends', async () => {
    const { failures, fail, pass } = start();
    expect(await fail('192.0.2.1', 3)).toBeUndefined();
    expect(failures.overFor({ address: '192.0.2.1' })).toBeUndefined();
    pass(20);
    expect(await fail('192.0.2.1', 1)).toEqual(over(40));
    expect(failures.overFor({ address: '192.0.2.1' })).toEqual(over(40));
    expect(failures.overFor({ address: '::ffff:192.0.2.1' })).toEqual(over(40));
    expect(failures.overFor({ address: '192.0.2.2' })).toBeUndefined();
    pass(39.5);
    expect(failures.overFor({ address: '192.0.2.1' })).toEqual(over(1));
    pass(0.5);
    expect(failures.overFor({ address: '192.0.2.1' })).toBeUndefined();
    expect(await fail('192.0.2.1', 3)).toBeUndefined();
  });

  test('knows in memory that an address is over its limit', async () => {
    const { failures, fail, asked } = start();
    await fail('192.0.2.1', 4);
    const before = asked.length;
    for (let i = 0; i < 100; i++) failures.overFor({ address: '192.0.2.1' });
    expect(asked).toHaveLength(before);
  });

  test('counts all addresses of a /64 together', async () => {
    const { fail } = start();
    await fail('2001:db8::1', 3);
    expect(await fail('2001:db8::2', 1)).toEqual(over(60));
    expect(await fail('2001:db8:0:1::2', 1)).toBeUndefined();
  });

  test('holds an address for at most a minute when the clock is set back', async () => {
    const { failures, fail, pass } = start();
    await fail('192.0.2.1', 4);
    pass(-3_600);
    expect(failures.overFor({ address: '192.0.2.1' })).toBeUndefined();
  });

  test('counts nothing with a limit of 0', async () => {
    const { failures, fail, asked } = start(0);
    expect([await fail('192.0.2.1', 1_000), failures.overFor({ address: '192.0.2.1' }), asked]).toEqual([
      undefined,
      undefined,
      [],
    ]);
  });

  test('names the counter that put an address over its limit', async () => {
    let enforcement: 'shared' | 'local' = 'shared';
    const takeRate = () => ({ refused: true, remaining: 0, resetSeconds: 30, enforcement });
    const failures = makeFailedCredentials({ limiter: { takeRate }, perMinute: 3, clock: () => new Date(0) });
    expect(await failures.count({ address: '192.0.2.1' })).toEqual({ seconds: 30, enforcement: 'shared' });
    enforcement = 'local';
    expect(failures.overFor({ address: '192.0.2.1' })).toEqual({ seconds: 30, enforcement: 'shared' });
    expect(await failures.count({ address: '192.0.2.1' })).toEqual(over(30));
    expect(failures.overFor({ address: '192.0.2.1' })).toEqual(over(30));
  });

  test('adds rate limit headers to its own refusals only', () => {
    const { failures } = start();
    const refusal = failures.refusal({ seconds: 42, enforcement: 'shared' });
    expect(refusal).toMatchObject({
      code: 'rate_limited',
      details: { retry_after: 42, enforcement: 'shared', limit: 3, window_seconds: 60, scope: 'address' },
    });
    expect(failures.headersOf(refusal)).toEqual({
      'ratelimit-policy': '"address";q=3;w=60',
      ratelimit: '"address";r=0;t=42',
      'x-latchkey-enforcement': 'shared',
    });
    expect(failures.headersOf(new Error('else'))).toEqual({});
  });
});
