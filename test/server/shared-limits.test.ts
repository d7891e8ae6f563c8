import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseLease } from '../../src/limits/leases/lease-id.ts';
import type { LeasedSlot, LimitRequest } from '../../src/limits/limiter.ts';
import { UNLIMITED } from '../../src/limits/limits.ts';
import { openRedisLink } from '../../src/limits/shared/redis-link.ts';
import { makeSharedLimiter, proveWritable } from '../../src/limits/shared/shared-limiter.ts';
import { runChild, startChild } from '../support/child.ts';
import { TEST_REDIS_URL, isolatedPart } from './redis.ts';

const HOUR_MS = 3_600_000;
const CALLERS = 64;
const SLOW_MS = 10_000;

const { prefix, client, names } = await isolatedPart();
const first = await replica();
// Its calendar is wrong by an hour, which must not matter.
const second = await replica({ clock: () => new Date(Date.now() - HOUR_MS) });

async function replica({ clock = () => new Date(), leaseSeconds = 60, commandMs = SLOW_MS } = {}) {
  const changes: boolean[] = [];
  const onChange = (open: boolean) => void changes.push(open);
  const link = openRedisLink({ url: TEST_REDIS_URL, prove: proveWritable, onChange, commandMs });
  afterAll(() => link.close());
  await link.ready;
  return { ...makeSharedLimiter({ redis: link, leaseSeconds, clock, prefix }), link, changes };
}

let made = 0;
/** A request of a key, and an organization, that no other test knows. */
function fresh(more: Partial<LimitRequest> = {}): LimitRequest {
  made++;
  const organizationId = `org_${made}`;
  return { organizationId, keyId: `key_${made}`, limits: UNLIMITED, cost: 1, lease: false, ...more };
}

const perHour = (limit: number) => ({ limit, windowSeconds: 3_600 });

/** Both replicas are asked by 64 callers at once, until nobody has a question left. */
async function askTogether(questions: number, ask: (replica: typeof first, n: number) => Promise<void>) {
  let asked = 0;
  const caller = async (_: unknown, i: number) => {
    while (asked < questions) await ask(i % 2 === 0 ? first : second, asked++);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

describe('exactly the limit passes, and never one more,', () => {
  test('of a rate, with 64 callers in two processes', async () => {
    const request = fresh({ limits: { ...UNLIMITED, rate: perHour(2_000) } });
    const callers = { processes: 2, callers: CALLERS / 2, rounds: 20, takesEachRound: 100 };
    const order = { url: TEST_REDIS_URL, prefix, ...callers, request };
    const script = new URL('take-many.ts', import.meta.url).pathname;
    const ends = await Promise.all([0, 1].map(() => runChild(process.execPath, [script, JSON.stringify(order)])));
    const passed = ends.map(({ stdout, stderr }) => Number(/^passed (\d+)$/m.exec(stdout)?.[1] ?? stderr));
    expect(passed[0]! + passed[1]!).toBe(2_000);
    expect(Math.min(...passed)).toBeGreaterThan(0);
  });

  test('of a rate that belongs to no key', async () => {
    const name = `address of ${prefix}`;
    let passed = 0;
    await askTogether(3_000, async (replica) => {
      const { refused } = await replica.takeRate(name, perHour(1_000), 1);
      if (!refused) passed++;
    });
    expect(passed).toBe(1_000);
    expect(await first.takeRate(name, perHour(1_000), 0)).toMatchObject({
      refused: false,
      remaining: 0,
      enforcement: 'shared',
    });
  });

  test('of concurrency: as many as have been given back, which are some at random', async () => {
    const request = fresh({ limits: { ...UNLIMITED, concurrency: 10 }, lease: true });
    let held: LeasedSlot[] = [];
    for (let round = 0; round < 50; round++) {
      const taken = await Promise.all(
        Array.from({ length: CALLERS }, async (_, i) => (i % 2 === 0 ? first : second).take(request)),
      );
      const lent = taken.flatMap(({ lease }) => (lease ? [parseLease(lease.id)!] : []));
      expect(held.length + lent.length).toBe(10);
      held = [...held, ...lent];
      const back = held.filter(() => Math.random() < 0.5);
      await Promise.all(back.map((place, i) => (i % 2 === 0 ? first : second).release(place)));
      held = held.filter((place) => !back.includes(place));
    }
  });

  test('of concurrency, while others take and give back', async () => {
    const request = fresh({ limits: { ...UNLIMITED, concurrency: 10 }, lease: true });
    let inFlight = 0;
    let most = 0;
    await askTogether(5_000, async (replica, n) => {
      const { lease } = await replica.take(request);
      if (!lease) return;
      most = Math.max(most, ++inFlight);
      if (n % 3 > 0) await sleep(Math.random() * 5);
      inFlight--;
      await replica.release(parseLease(lease.id)!);
    });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(10);
    expect(await client.exists(`${prefix}:{${request.organizationId}}:leases:${request.keyId}`)).toBe(0);
  });

  test('of the rates of two keys and their organization together: what one refuses none has counted', async () => {
    const one = fresh();
    const keys = [one.keyId, `${one.keyId}_other`];
    const limits = { rate: perHour(700), organizationRate: perHour(1_000), concurrency: 5 };
    const passed = [0, 0];
    await askTogether(6_000, async (replica, n) => {
      const which = n % 2;
      const cost = 1 + (n % 3);
      const request = { ...one, keyId: keys[which]!, limits, cost, lease: n % 5 === 0 };
      const { refused, lease } = await replica.take(request);
      if (refused === undefined) passed[which]! += cost;
      if (lease) await replica.release(parseLease(lease.id)!);
    });
    const left = await Promise.all(
      keys.map(async (keyId) => first.take({ ...one, keyId, cost: 0, limits: { ...UNLIMITED, rate: limits.rate } })),
    );
    expect(left.map(({ rate }) => 700 - rate!.remaining)).toEqual(passed);
    expect(Math.max(...passed)).toBeLessThanOrEqual(700);
    expect(passed[0]! + passed[1]!).toBe(1_000);
  });
});

test('every answer says what is left, for how long, and whose count it was', async () => {
  const limits = { rate: { limit: 3, windowSeconds: 60 }, organizationRate: perHour(4), concurrency: 1 };
  const request = fresh({ limits, lease: true });
  const taken = await second.take(request);
  expect(taken).toEqual({
    refused: undefined,
    retryAfterSeconds: undefined,
    rate: { limit: 3, windowSeconds: 60, scope: 'key', remaining: 2, resetSeconds: 60 },
    lease: { id: expect.any(String), expiresAt: expect.any(Date) },
    enforcement: 'shared',
  });
  expect(Math.abs(taken.lease!.expiresAt.getTime() - (Date.now() - HOUR_MS + 60_000))).toBeLessThan(5_000);
  expect(await first.take(request)).toMatchObject({
    refused: 'concurrency',
    retryAfterSeconds: 1,
    rate: { scope: 'key', remaining: 2 },
    lease: undefined,
  });
  expect(await first.take({ ...request, lease: false, cost: 5 })).toMatchObject({
    refused: 'rate',
    rate: { scope: 'organization', remaining: 3 },
  });
  expect(await first.take({ ...request, lease: false, cost: 3 })).toMatchObject({
    refused: 'rate',
    rate: { scope: 'key', remaining: 2 },
  });
  const { retryAfterSeconds } = await first.take({ ...request, keyId: 'key_other', lease: false, cost: 4 });
  expect(retryAfterSeconds).toBeGreaterThan(3_500);
  expect(await first.take({ ...request, lease: false, cost: 0 })).toMatchObject({ rate: { remaining: 2 } });
});

test('a window ends on the clock of Redis, and the next one is whole', async () => {
  const request = fresh({ limits: { ...UNLIMITED, rate: { limit: 2, windowSeconds: 1 } }, cost: 2 });
  expect((await first.take(request)).refused).toBeUndefined();
  expect(await second.take(request)).toMatchObject({ refused: 'rate', retryAfterSeconds: 1 });
  await sleep(1_010);
  expect(await second.take(request)).toMatchObject({ refused: undefined, rate: { remaining: 0, resetSeconds: 1 } });
});

test('a lease that is never given back ends by itself', async () => {
  const short = await replica({ leaseSeconds: 1 });
  const request = fresh({ limits: { ...UNLIMITED, concurrency: 1 }, lease: true });
  await short.take(request);
  expect((await first.take(request)).refused).toBe('concurrency');
  await sleep(1_010);
  expect((await first.take(request)).refused).toBeUndefined();
  // The shorter lease has not shortened the life of the longer one beside it.
  const two = { ...request, limits: { ...UNLIMITED, concurrency: 2 } };
  await short.take(two);
  await sleep(1_010);
  expect((await short.take(two)).refused).toBeUndefined();
  expect((await short.take(two)).refused).toBe('concurrency');
});

test('a lease is given back once, by the key of the organization that took it, and an unknown one is no error', async () => {
  const request = fresh({ limits: { ...UNLIMITED, concurrency: 2 }, lease: true });
  const place = parseLease((await first.take(request)).lease!.id)!;
  await second.take(request);
  await second.release({ ...place, organizationId: 'org_other' });
  await second.release({ ...place, keyId: 'key_other' });
  await second.release({ ...place, token: '0'.repeat(32) });
  expect((await second.take(request)).refused).toBe('concurrency');
  await second.release(place);
  await second.release(place);
  expect((await first.take(request)).refused).toBeUndefined();
  expect((await first.take(request)).refused).toBe('concurrency');
});

test('a server that forgets its scripts is taught again, and nothing is lost', async () => {
  const request = fresh({ limits: { ...UNLIMITED, rate: perHour(3) } });
  await first.take(request);
  await client.scriptFlush();
  expect(await first.take(request)).toMatchObject({ refused: undefined, rate: { remaining: 1 } });
  expect(first.changes).toEqual([true]);
});

test('a process that was busy itself does not hold that against the server', async () => {
  const own = await replica({ commandMs: 100 });
  const request = fresh({ limits: { ...UNLIMITED, rate: perHour(3) } });
  const answer = own.take(request);
  await turn();
  const from = performance.now();
  while (performance.now() - from < 400);
  expect(await answer).toMatchObject({ refused: undefined, enforcement: 'shared' });
  expect(own.link.isOpen()).toBe(true);
});

test('a process that has nothing else to do is not kept alive by the connection', async () => {
  const module = new URL('../../src/limits/shared/redis-link.ts', import.meta.url).href;
  const options = `{ url: '${TEST_REDIS_URL}', prove: (send) => send(['PING']), onChange() {} }`;
  const source = `const { openRedisLink } = await import('${module}');
    const link = openRedisLink(${options});
    await link.ready;
    console.log('open', link.isOpen());`;
  const child = startChild(process.execPath, ['--input-type=module', '--eval', source]);
  onTestFinished(() => child.kill('SIGKILL'));
  await child.saw(/^open true$/m);
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

test('nothing stays in Redis for ever', async () => {
  await first.take(fresh({ limits: { rate: perHour(1), organizationRate: perHour(1), concurrency: 1 }, lease: true }));
  const kept = await names();
  expect(kept.length).toBeGreaterThan(3);
  const lives = await Promise.all(kept.map((name) => client.pTTL(name)));
  expect(Math.min(...lives)).toBeGreaterThan(-1);
  expect(Math.max(...lives)).toBeLessThanOrEqual(HOUR_MS);
  // All that one script touches has one tag, and so one node of a cluster.
  expect(kept.filter((name) => !/^[^{}]+:\{[^{}]+\}:[^{}]+$/.test(name))).toEqual([]);
});
