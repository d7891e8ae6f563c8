import { expect, test } from 'vitest';
import type { Verdict } from '../../src/client/client.ts';
import { makeRecentChanges } from '../../src/client/guard/recent-changes.ts';

const LAG_MS = 3_000;

function start(lagMs = LAG_MS) {
  let time = 1_000_000;
  const changes = makeRecentChanges({ lagMs, now: () => time });
  const mayKeep = (askedAt: number, stale_ms = 0, id = 'key_1') =>
    changes.mayKeep({ organization_id: 'org_1', id, stale_ms } as Verdict, askedAt);
  return { changes, mayKeep, now: () => time, pass: (ms: number) => void (time += ms) };
}

test.each([
  ['the key', (changes: ReturnType<typeof makeRecentChanges>) => changes.note('org_1', 'key_1')],
  ['its organization', (changes: ReturnType<typeof makeRecentChanges>) => changes.note('org_1', undefined)],
  ['anything', (changes: ReturnType<typeof makeRecentChanges>) => changes.noteAll()],
])('an answer from before a change of %s is not kept, one that was read after it is', (_what, change) => {
  const { changes, mayKeep, now, pass } = start();
  const before = now();
  expect(mayKeep(before)).toBe(true);
  pass(10);
  change(changes);
  expect(mayKeep(before)).toBe(false);
  pass(10);
  expect(mayKeep(now())).toBe(true);
});

test('a replica that has not heard of the change yet is not believed, until it must have', () => {
  const { changes, mayKeep, now, pass } = start();
  changes.note('org_1', 'key_1');
  pass(100);
  expect(mayKeep(now(), 500)).toBe(false);
  pass(LAG_MS);
  expect(mayKeep(now(), 50_000)).toBe(true);
});

test('where Latchkey is one process, whatever was asked for after a change is kept', () => {
  const { changes, mayKeep, now, pass } = start(0);
  changes.note('org_1', 'key_1');
  expect(mayKeep(now())).toBe(false);
  pass(1);
  expect(mayKeep(now(), 50_000)).toBe(true);
});

test('other keys are not concerned', () => {
  const { changes, mayKeep, now } = start();
  changes.note('org_1', 'key_2');
  changes.note('org_2', undefined);
  expect(mayKeep(now())).toBe(true);
});

test('more changes than can be remembered are a change of everything', () => {
  const { changes, mayKeep, now } = start();
  for (let i = 0; i <= 10_000; i++) changes.note('org_2', `key_${i}`);
  expect(mayKeep(now())).toBe(false);
});

test('an answer that took too long is not kept', () => {
  const { mayKeep, now, pass } = start();
  const askedAt = now();
  pass(30_001);
  expect(mayKeep(askedAt)).toBe(false);
});
