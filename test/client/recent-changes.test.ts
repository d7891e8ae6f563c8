import { expect, test } from 'vitest';
import type { Verdict } from '../../src/client/client.ts';
import { makeRecentChanges } from '../../src/client/guard/recent-changes.ts';

const LAG_MS = 3_000;

function start(lagMs = LAG_MS) {
  let time = 1_000_000;
  const changes = makeRecentChanges({ lagMs, now: () => time });
  const mayCache = (askedAt: number, stale_ms = 0, id = 'key_1') =>
    changes.mayCache({ organization_id: 'org_1', id, stale_ms } as Verdict, askedAt);
  return { changes, mayCache, now: () => time, pass: (ms: number) => void (time += ms) };
}

test.each([
  ['the key', (changes: ReturnType<typeof makeRecentChanges>) => changes.note('org_1', 'key_1')],
  ['its organization', (changes: ReturnType<typeof makeRecentChanges>) => changes.note('org_1', undefined)],
  ['anything', (changes: ReturnType<typeof makeRecentChanges>) => changes.noteAll()],
])('mayCache is false for an answer from before a change of %s, and true for one after it', (_what, change) => {
  const { changes, mayCache, now, pass } = start();
  const before = now();
  expect(mayCache(before)).toBe(true);
  pass(10);
  change(changes);
  expect(mayCache(before)).toBe(false);
  pass(10);
  expect(mayCache(now())).toBe(true);
});

test('mayCache is false for an answer of a lagging replica until lagMs have passed', () => {
  const { changes, mayCache, now, pass } = start();
  changes.note('org_1', 'key_1');
  pass(100);
  expect(mayCache(now(), 500)).toBe(false);
  pass(LAG_MS);
  expect(mayCache(now(), 50_000)).toBe(true);
});

test('mayCache is true for every answer requested after a change when lagMs is 0', () => {
  const { changes, mayCache, now, pass } = start(0);
  changes.note('org_1', 'key_1');
  expect(mayCache(now())).toBe(false);
  pass(1);
  expect(mayCache(now(), 50_000)).toBe(true);
});

test('mayCache is true for other keys', () => {
  const { changes, mayCache, now } = start();
  changes.note('org_1', 'key_2');
  changes.note('org_2', undefined);
  expect(mayCache(now())).toBe(true);
});

test('more than 10,000 changes count as a change of everything', () => {
  const { changes, mayCache, now } = start();
  for (let i = 0; i <= 10_000; i++) changes.note('org_2', `key_${i}`);
  expect(mayCache(now())).toBe(false);
});

test('mayCache is false for an answer that took more than 30 seconds', () => {
  const { mayCache, now, pass } = start();
  const askedAt = now();
  pass(30_001);
  expect(mayCache(askedAt)).toBe(false);
});
