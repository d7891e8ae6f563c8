import { describe, expect, test } from 'vitest';
import { makeKeyCache } from '../../src/verification/key-cache.ts';
import type { KeyCache } from '../../src/verification/key-cache.ts';
import type { MirrorRead } from '../../src/verification/mirror-record.ts';
import { makeTrust } from '../../src/invalidation/trust.ts';
import { KEY, NOWHERE, cached, readOf, record, resolverOf } from './resolver.ts';

type State = 'valid' | 'revoked' | undefined;

/** A key that has just been cached, and a database that answers when a test lets it. */
async function start() {
  const reads: { resolve: (read: MirrorRead | undefined) => void; reject: (error: Error) => void }[] = [];
  let asked = 0;
  let nowMs = 1;
  const cache = makeKeyCache({ maxKeys: 1_000, ttlMs: 60_000, nowMs: () => nowMs });
  const { peekKey, resolveKey } = resolverOf({
    cache,
    trust: makeTrust(cache, { alone: true }),
    readMirror: () => {
      asked++;
      return new Promise((resolve, reject) => void reads.push({ resolve, reject }));
    },
  });
  const answer = async (state: State | Error) => {
    const read = reads.shift();
    if (state instanceof Error) read?.reject(state);
    else read?.resolve(state && readOf(record('org_a', 'a1', state === 'revoked')));
    await new Promise(setImmediate);
  };
  const first = resolveKey(KEY, NOWHERE);
  await answer('valid');
  await first;
  return {
    cache,
    answer,
    /** How often the database was asked. */
    asked: () => asked,
    advance: (ms: number) => void (nowMs += ms),
    peekKey,
    peek(): State {
      const known = peekKey(KEY);
      return known && (known.record.revoked ? 'revoked' : 'valid');
    },
  };
}

function fillWith(cache: KeyCache, keys: readonly string[]): number {
  for (const key of keys) cache.fill(key, cached('org_a', key), cache.generation());
  return cache.size();
}

describe('renewal of cached keys', () => {
  test('reads a key in use again before it is forgotten, without delaying requests', async () => {
    const { asked, answer, advance, peek } = await start();
    advance(45_000);
    expect([peek(), peek(), asked()]).toEqual(['valid', 'valid', 2]);
    await answer('revoked');
    expect([peek(), asked()]).toEqual(['revoked', 2]);
  });

  test('keeps an unreadable key for its time, and retries once a second', async () => {
    const { asked, answer, advance, peek } = await start();
    advance(45_000);
    for (let second = 0; second < 15; second++) {
      expect(peek()).toBe('valid');
      await answer(new Error('the database is away'));
      advance(1_000);
    }
    advance(1);
    expect([peek(), asked()]).toEqual([undefined, 16]);
  });

  test('forgets a deleted key when it is read again', async () => {
    const { answer, advance, peek } = await start();
    advance(45_000);
    peek();
    await answer(undefined);
    expect(peek()).toBeUndefined();
  });

  test('drops a renewal of a key that changed meanwhile', async () => {
    const { cache, answer, advance, peek } = await start();
    advance(45_000);
    peek();
    cache.invalidate({ organizationId: 'org_a', keyId: 'a1' });
    await answer('valid');
    expect(peek()).toBeUndefined();
  });

  test('reads two hundred due keys at a time, all of them valid meanwhile', async () => {
    const { asked, cache, answer, advance, peekKey } = await start();
    const keys = Array.from({ length: 250 }, (_unused, i) => `${KEY}_${i}`);
    cache.clear();
    const known = fillWith(cache, keys);
    advance(45_000);
    const before = asked();
    const use = () => keys.filter((key) => peekKey(key)).length;
    expect([known, use(), asked() - before]).toEqual([250, 250, 200]);
    for (let i = 0; i < 200; i++) await answer('valid');
    advance(1_000);
    expect([use(), asked() - before]).toEqual([250, 250]);
  });
});
