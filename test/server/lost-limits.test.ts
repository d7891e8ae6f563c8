import { afterAll, beforeEach, expect, test } from 'vitest';
import { makeLimitsParts } from '../../src/app/api-keys/limits.ts';
import type { Fallback } from '../../src/limits/shared/fallback.ts';
import { parseLease } from '../../src/limits/leases/lease-id.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { startRedis } from './redis.ts';

/** Of one command, and what a busy machine adds. */
const DEADLINE_MS = 250 + 1_000;
const BACK = { timeout: 15_000, interval: 20 };

const redis = await startRedis();
const replicas = {
  local: await replica('local'),
  allow: await replica('allow'),
  refuse: await replica('refuse'),
};
const all = Object.values(replicas);

async function replica(fallback: Fallback) {
  const lines: { level: string; msg: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) };
  const metrics = makeMetrics();
  const parts = makeLimitsParts({
    config: { limits: { redisUrl: redis.url, fallback, leaseSeconds: 60 } },
    log: makeLogger({ level: 'info', pretty: false, destination }),
    metrics,
    clock: () => new Date(),
  });
  afterAll(() => parts.close());
  await parts.ready;
  const gauge = async () => /^latchkey_limits_shared (\d)$/m.exec(await metrics.registry.metrics())?.[1];
  return { limiter: parts.limiter, lines, gauge };
}

let made = 0;
const fresh = () => ({
  organizationId: `org_${++made}`,
  keyId: `key_${made}`,
  limits: { rate: { limit: 3, windowSeconds: 600 }, organizationRate: undefined, concurrency: 2 },
  cost: 1,
  lease: true,
});

const enforcements = async (request = fresh()) =>
  Promise.all(all.map(async ({ limiter }) => (await limiter.take(request)).enforcement));
const SHARED = ['shared', 'shared', 'shared'];
const ALONE = ['local', 'none', 'unavailable'];

async function bringBack(): Promise<void> {
  await expect.poll(() => enforcements(), BACK).toEqual(SHARED);
}

beforeEach(async () => {
  await bringBack();
  for (const { lines } of all) lines.length = 0;
});

test('a Redis that is killed is done without as configured, and used again by itself when it is back, empty', async () => {
  const { local, allow } = replicas;
  const request = fresh();
  const before = await local.limiter.take(request);
  await allow.limiter.take({ ...request, cost: 2 });
  expect(await allow.limiter.take(request)).toMatchObject({ refused: 'rate', enforcement: 'shared' });

  await redis.signal('SIGKILL');
  expect(await enforcements(request)).toEqual(ALONE);
  for (let i = 0; i < 20; i++) await enforcements();
  expect(await Promise.all(all.map(({ gauge }) => gauge()))).toEqual(['0', '0', '0']);
  // Its place was in Redis: it cannot be given back, which is no error.
  await local.limiter.release(parseLease(before.lease!.id)!);

  redis.restart();
  await bringBack();
  expect(await allow.limiter.take(request)).toMatchObject({ refused: undefined, rate: { remaining: 2 } });
  expect(await local.limiter.take(request)).toMatchObject({ refused: undefined, rate: { remaining: 1 } });
  expect(await Promise.all(all.map(({ gauge }) => gauge()))).toEqual(['1', '1', '1']);
  for (const { lines } of all) expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
});

test('a Redis that hangs holds up the requests under way for the deadline, and none after', async () => {
  await redis.signal('SIGSTOP');
  const from = performance.now();
  const underWay = await Promise.all(Array.from({ length: 100 }, () => enforcements()));
  expect(performance.now() - from).toBeLessThan(DEADLINE_MS);
  expect(underWay).toEqual(Array.from({ length: 100 }, () => ALONE));
  for (const { limiter } of all) expect(limiter.take(fresh())).not.toBeInstanceOf(Promise);
  await redis.signal('SIGCONT');
  await bringBack();
  for (const { lines } of all) expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
});

test('a Redis that dies under the requests of many fails none of them', async () => {
  let outcomes = 0;
  const callers = Array.from({ length: 32 }, async () => {
    for (let i = 0; i < 50; i++) {
      const answers = await enforcements();
      outcomes += answers.length;
    }
  });
  setTimeout(() => void redis.signal('SIGKILL'), 20);
  await Promise.all(callers);
  expect(outcomes).toBe(32 * 50 * all.length);
  // At the latest the next one notices.
  expect(await enforcements()).toEqual(ALONE);
  redis.restart();
  await bringBack();
});
