import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { makeUsageParts } from '../../src/app/api-keys/usage.ts';
import { JITTER } from '../../src/background/run-every.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { plainItems } from '../support/plain-items.ts';
import { freshDatabase } from '../support/database.ts';
import { statementsOf, totalIn, use } from './gather.ts';

const { db, close } = await freshDatabase();
afterAll(close);
beforeEach(() => db('usage_counts').delete());

function makeParts(role: 'api' | 'worker' | 'all' = 'all', maxCounters?: number) {
  const logs: string[] = [];
  const metrics = makeMetrics();
  const parts = makeUsageParts({
    config: { role, usage: { flushMs: 600, retentionMonths: 13, workosLastUsePerMinute: 0 } },
    db,
    metrics,
    workosOf: () => expect.unreachable(),
    format: { read: () => expect.unreachable() },
    codes: ['valid'],
    findKey: () => expect.unreachable(),
    keys: { among: () => expect.unreachable() },
    catalogue: { keyOwners: ['organization'], scopeNames: new Set() },
    itemsOf: () => plainItems,
    clock: () => new Date(),
    ...(maxCounters !== undefined && { maxCounters }),
    log: pino({ level: 'info' }, { write: (line: string) => void logs.push(line) }),
  });
  return { ...parts, logs, metrics };
}

describe('usage', () => {
  test('flushes at least as often as configured, so that a crash loses no more', () => {
    const flushing = makeParts().loops.find(({ name }) => name === 'flush_usage');
    expect(flushing!.everyMs * (1 + JITTER)).toBeCloseTo(600);
  });

  test.each<['api' | 'worker' | 'all', string[]]>([
    ['api', ['flush_usage']],
    ['worker', ['keep_usage_partitions']],
    ['all', ['flush_usage', 'keep_usage_partitions']],
  ])('a process in the role %s runs the loops %j', (role, names) => {
    expect(makeParts(role).loops.map(({ name }) => name)).toEqual(names);
  });

  test('writes the remaining uses on shutdown', async () => {
    const { noteUse, close, logs } = makeParts();
    noteUse(use({ count: 7 }));
    await close();
    expect(await totalIn(db)).toBe(7);
    expect(logs).toEqual([]);
    expect(await statementsOf(db, close)).toEqual([]);
  });

  test('shuts down without a database, and logs the lost uses', async () => {
    const { noteUse, close, logs } = makeParts();
    noteUse(use({ count: 7 }));
    await db.destroy();
    await close();
    expect(logs).toEqual([expect.stringMatching(/"level":40.*"unwritten":7.*failed to write uses of keys/)]);
    db.initialize();
  });

  test('flushes a full memory at once, and counts uses that do not fit', async () => {
    const { noteUse, close, metrics } = makeParts('all', 100);
    for (let i = 0; i < 103; i++) noteUse(use({ keyId: `api_key_${i}`, count: 2, code: 'revoked' }));
    const samples = async () =>
      (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('latchkey_usage'));
    expect(await samples()).toContain('latchkey_usage_dropped_total 6');
    // The loops do not run: it is the last counter that asked for a flush.
    await expect.poll(() => totalIn(db)).toBeGreaterThan(0);
    await close();
    expect(await totalIn(db)).toBe(200);
    expect(await samples()).toEqual([
      'latchkey_usage_dropped_total 6',
      'latchkey_usage_unwritten{state="waiting"} 0',
      'latchkey_usage_unwritten{state="writing"} 0',
    ]);
  });
});
