import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { makeHoldOff, makeSharedHoldOff } from '../../src/workos/hold-off.ts';
import type { HoldOffBudget } from '../../src/workos/hold-off.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';

const DEFAULT_MS = 10_000;
const { db, close } = await freshDatabase();
afterAll(close);

const log = pino({ level: 'silent' });
const replica = (budget: HoldOffBudget, clock = makeTestClock()) =>
  makeSharedHoldOff(budget, { db, log, clock, defaultMs: DEFAULT_MS });
const alone = (clock = makeTestClock()) => makeHoldOff({ defaultMs: DEFAULT_MS, clock });

const down = () => Promise.reject(new Error('the database is away'));
/** Of what is left of a hold-off that began a moment ago, how long it was. */
const whole = (leftMs: number) => Math.ceil(leftMs / 2_000) * 2_000;

describe('makeHoldOff', () => {
  it.each([
    ['as long as Retry-After says', 20_000, 20_000],
    ['ten seconds without Retry-After', undefined, DEFAULT_MS],
    ['a minute at most', 3_600_000, 60_000],
  ])('lasts %s', async (_what, saidMs, expectedMs) => {
    const clock = makeTestClock();
    const holdOff = alone(clock);
    expect(await holdOff.heldMs()).toBe(0);
    expect(whole(await holdOff.begin(saidMs))).toBe(expectedMs);
    clock.advance(expectedMs - 2_000);
    expect(await holdOff.heldMs()).toBeGreaterThan(0);
    clock.advance(2_000);
    expect(await holdOff.heldMs()).toBe(0);
  });

  it('is extended by another 429, and never shortened', async () => {
    const holdOff = alone();
    await holdOff.begin(30_000);
    expect(whole(await holdOff.begin(1_000))).toBe(30_000);
    expect(whole(await holdOff.begin(50_000))).toBe(50_000);
  });
});

describe('makeSharedHoldOff: replicas of one database', () => {
  it('hold off together', async () => {
    const [first, second] = [replica('live'), replica('live')];
    await first.begin(30_000);
    expect(whole(await second.heldMs())).toBe(30_000);
    await second.begin(50_000);
    expect(whole(await replica('live').heldMs())).toBe(50_000);
  });

  it('hold off for each budget separately', async () => {
    await replica('test').begin(30_000);
    expect(await replica('test_audit_logs').heldMs()).toBe(0);
    expect(await replica('live_audit_logs').heldMs()).toBe(0);
  });

  it.each([-600_000, 600_000])('hold off for as long when their clocks differ by %i ms', async (milliseconds) => {
    await db('workos_hold_offs').delete();
    const other = makeTestClock();
    other.advance(milliseconds);
    await replica('live').begin(20_000);
    expect(whole(await replica('live', other).heldMs())).toBe(20_000);
    await db('workos_hold_offs').delete();
    await replica('live', other).begin(20_000);
    expect(whole(await replica('live').heldMs())).toBe(20_000);
  });

  it('learn of a hold-off after one recorded by a server whose clock was far ahead', async () => {
    await db('workos_hold_offs').delete();
    await db('workos_hold_offs').insert({ budget: 'live', until: new Date(Date.now() + 3_600_000) });
    const clock = makeTestClock();
    const listening = replica('live', clock);
    expect(whole(await listening.heldMs())).toBe(60_000);
    clock.advance(60_000);
    await replica('live').begin(20_000);
    await sleep(1_050);
    expect(await listening.heldMs()).toBeGreaterThan(0);
  });

  it('learn of it within a second, with one query a second at most', async () => {
    await db('workos_hold_offs').delete();
    let reads = 0;
    const count = ({ sql }: { sql: string }) => void (sql.includes('workos_hold_offs') && reads++);
    const listening = replica('live');
    db.on('query', count);
    try {
      const from = performance.now();
      await Promise.all(Array.from({ length: 50 }, () => listening.heldMs()));
      for (let i = 0; i < 50; i++) expect(await listening.heldMs()).toBe(0);
      expect(reads).toBeLessThanOrEqual(1 + Math.floor((performance.now() - from) / 1_000));
      db.off('query', count);
      await replica('live').begin(30_000);
      await sleep(1_050);
      expect(whole(await listening.heldMs())).toBe(30_000);
      db.on('query', count);
      reads = 0;
      for (let i = 0; i < 50; i++) await listening.heldMs();
      expect([reads, listening.knownMs() > 0]).toEqual([0, true]);
    } finally {
      db.off('query', count);
    }
  });

  it('go on with their own hold-off while the database does not answer', async () => {
    const failures: unknown[] = [];
    const holdOff = makeHoldOff({
      shared: { read: down, extend: down },
      defaultMs: DEFAULT_MS,
      onFailure: (error) => void failures.push(error),
    });
    expect(await holdOff.heldMs()).toBe(0);
    expect(whole(await holdOff.begin(undefined))).toBe(DEFAULT_MS);
    expect(failures).toHaveLength(2);
  });
});
