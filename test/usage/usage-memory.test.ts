import { describe, expect, test } from 'vitest';
import type { Use } from '../../src/usage/use.ts';
import { makeUsageMemory } from '../../src/usage/usage-memory.ts';

const HOUR = 3_600_000;
const T0 = Date.parse('2026-11-20T10:15:00.000Z');

const use = (changes: Partial<Use> = {}): Use => ({
  organizationId: 'org_a',
  keyId: 'api_key_a',
  code: 'valid',
  atMs: T0,
  count: 1,
  ip: undefined,
  userAgent: undefined,
  ...changes,
});

function makeMemory(maxCounters = 100) {
  const calls = { full: 0, dropped: 0 };
  const memory = makeUsageMemory({
    maxCounters,
    onFull: () => void calls.full++,
    onDropped: (uses) => void (calls.dropped += uses),
  });
  return { ...memory, calls };
}

describe('usage memory', () => {
  test('counts uses by key, code and hour', () => {
    const memory = makeMemory();
    for (const changes of [{}, { count: 4 }, { code: 'revoked' }, { atMs: T0 + HOUR }, { keyId: 'api_key_b' }]) {
      memory.note(use(changes));
    }
    expect(memory.waiting()).toBe(8);
    const hourMs = T0 - 15 * 60_000;
    expect(memory.take().map(({ keyId, counters }) => ({ keyId, counters }))).toEqual([
      {
        keyId: 'api_key_a',
        counters: [
          { code: 'valid', hourMs, count: 5 },
          { code: 'revoked', hourMs, count: 1 },
          { code: 'valid', hourMs: hourMs + HOUR, count: 1 },
        ],
      },
      { keyId: 'api_key_b', counters: [{ code: 'valid', hourMs, count: 1 }] },
    ]);
    expect([memory.waiting(), memory.take()]).toEqual([0, []]);
  });

  test('keeps the latest valid use, in whatever order uses come', () => {
    const memory = makeMemory();
    memory.note(use({ atMs: T0 + 5, ip: '192.0.2.5', userAgent: 'curl/8' }));
    memory.note(use({ atMs: T0 + 3, ip: '192.0.2.3' }));
    memory.note(use({ atMs: T0 + 9, code: 'expired', ip: '192.0.2.9' }));
    memory.note(use({ keyId: 'api_key_b', code: 'revoked', ip: '192.0.2.1' }));
    const [used, never] = memory.take();
    expect(used).toMatchObject({ usedAtMs: T0 + 5, ip: '192.0.2.5', userAgent: 'curl/8' });
    expect(never).toMatchObject({ usedAtMs: -Infinity, ip: undefined });
  });

  test('asks once to be flushed when full, and counts dropped uses', () => {
    const memory = makeMemory(3);
    for (let i = 0; i < 10; i++) memory.note(use({ keyId: `api_key_${i}`, count: 2 }));
    memory.note(use({ keyId: 'api_key_0', atMs: T0 + 1 }));
    memory.note(use({ keyId: 'api_key_0', atMs: T0 + HOUR }));
    expect(memory.calls).toEqual({ full: 1, dropped: 15 });
    expect(memory.waiting()).toBe(7);
    const [first, ...rest] = memory.take();
    // There is no room to count it, but to say that it was.
    expect(first).toMatchObject({ usedAtMs: T0 + HOUR, counters: [{ count: 3 }] });
    expect(rest).toHaveLength(2);
    memory.note(use());
    expect(memory.calls).toEqual({ full: 1, dropped: 15 });
  });

  test('keeps the latest day of each scope that a valid use required', () => {
    const memory = makeMemory();
    const day = Date.parse('2026-11-20T00:00:00.000Z');
    memory.note(use({ scopes: ['a', 'b'] }));
    memory.note(use({ scopes: ['a'], atMs: T0 + 24 * HOUR }));
    memory.note(use({ scopes: ['b'], atMs: T0 - 24 * HOUR }));
    memory.note(use({ scopes: ['c'], code: 'insufficient_scope' }));
    const taken = memory.take();
    expect([...taken[0]!.scopes!]).toEqual([
      ['a', day + 24 * HOUR],
      ['b', day],
    ]);
    memory.note(use({ scopes: ['b'], atMs: T0 + 24 * HOUR }));
    memory.putBack(taken);
    expect([...memory.take()[0]!.scopes!]).toEqual([
      ['b', day + 24 * HOUR],
      ['a', day + 24 * HOUR],
    ]);
  });

  test('keeps as many scopes as counters, and counts uses beyond them', () => {
    const memory = makeMemory(3);
    memory.note(use({ scopes: ['a', 'b', 'c', 'd'] }));
    memory.note(use({ scopes: ['a', 'd'], atMs: T0 + 24 * HOUR, code: 'valid' }));
    const [first] = memory.take();
    expect([...first!.scopes!.keys()]).toEqual(['a', 'b', 'c']);
    expect(memory.calls).toEqual({ full: 0, dropped: 0 });
  });

  test('adds returned uses within the bound, and moves no last use back', () => {
    const memory = makeMemory(2);
    memory.note(use({ count: 5 }));
    memory.note(use({ keyId: 'api_key_b', count: 7 }));
    const taken = memory.take();
    memory.note(use({ atMs: T0 + 1, count: 2, ip: '192.0.2.1' }));
    memory.note(use({ keyId: 'api_key_c', code: 'revoked' }));
    memory.putBack(taken);
    expect(memory.calls).toEqual({ full: 2, dropped: 7 });
    expect(memory.waiting()).toBe(8);
    expect(memory.take()).toMatchObject([
      { keyId: 'api_key_a', usedAtMs: T0 + 1, ip: '192.0.2.1', counters: [{ count: 7 }] },
      { keyId: 'api_key_c' },
    ]);
  });

  test('does not change uses that were taken again', () => {
    const memory = makeMemory();
    memory.note(use());
    const taken = memory.take();
    memory.putBack(taken);
    memory.note(use({ count: 10 }));
    expect(taken).toMatchObject([{ counters: [{ count: 1 }] }]);
  });
});
