import { describe, expect, test } from 'vitest';
import { makeKeyFormat } from '../../../src/api-keys/format/key-format.ts';
import { makeFailedCredentials } from '../../../src/limits/guesses/failed-credentials.ts';
import { makeFairTurns } from '../../../src/limits/fair-turns.ts';
import { makeLocalLimiter } from '../../../src/limits/local-limiter.ts';
import { makeAdoptKey } from '../../../src/verification/first-use/adopt-key.ts';
import { makeKeyCache } from '../../../src/verification/key-cache.ts';
import { makeKeyHasher } from '../../../src/verification/hmac/key-hasher.ts';
import type { MirrorRead } from '../../../src/verification/mirror-record.ts';
import { makeKeyResolver } from '../../../src/verification/resolve-key.ts';
import { makeTrust } from '../../../src/invalidation/trust.ts';
import { makeUnknownKeys } from '../../../src/verification/first-use/unknown-keys.ts';

const MAX_WINDOWS = 1_000;
const UNLIMITED = 0;
const clock = () => new Date();
const format = makeKeyFormat({ prefixes: ['sk_'] });

type Options = {
  failuresPerMinute?: number;
  spareLookUps?: number;
  questionWaitMs?: number;
  questionsPerSecond?: number;
  expected?: (key: string) => boolean;
};

/** Everything between a presented key and stand-ins of the database and WorkOS, which know no key and record questions. */
function start({
  failuresPerMinute = UNLIMITED,
  questionsPerSecond = 20,
  questionWaitMs = 50,
  spareLookUps = 2,
  expected = () => false,
}: Options = {}) {
  const asked = { mirror: [] as string[], workos: [] as string[] };
  const known = new Map<string, MirrorRead>();
  const limiter = makeLocalLimiter({ leaseSeconds: 60, maxWindows: MAX_WINDOWS, clock });
  const failures = makeFailedCredentials({ limiter, perMinute: failuresPerMinute, clock });
  const cache = makeKeyCache({ maxKeys: 100, ttlMs: 60_000 });
  const trust = makeTrust(cache, { alone: true });
  const unknown = makeUnknownKeys(cache);
  const hasher = makeKeyHasher([Buffer.alloc(32, 1)]);
  const adopt = makeAdoptKey({
    db: undefined as never,
    format,
    mirrorKeys: undefined as never,
    announce: () => Promise.resolve(),
    askAboutMember: () => Promise.resolve(),
    environments: ['live'],
    workosOf: () => ({ validateKey: (presented) => Promise.resolve(void asked.workos.push(presented)) }),
    hasher,
    isExpected: (presented) => Promise.resolve(expected(presented)),
    failures,
    questions: makeFairTurns({ perSecond: questionsPerSecond, maxWaitMs: questionWaitMs }),
    takeUnexpectedKey: async (guesser) => limiter.takeRate(guesser, { limit: 10, windowSeconds: 60 }, 1),
  });
  const { resolveKey } = makeKeyResolver({
    findSalted: () => Promise.resolve(undefined),
    format,
    hasher,
    cache,
    unknown,
    trust,
    readMirror(hashes) {
      const name = hashes[0]!.toString('latin1');
      asked.mirror.push(name);
      return Promise.resolve(known.get(name));
    },
    renewHash: () => undefined,
    spareLookUps: makeFairTurns({ perSecond: spareLookUps, maxWaitMs: 1_000 }),
    adopt,
    failures,
  });
  const makeKey = (key: string) => known.set(hasher.nameOf(key), { record: {}, hmacKeyId: '', hash: '' } as never);
  return { asked, cache, unknown, limiter, trust, resolveKey, makeKey };
}

const guess = (n: number) => `sk_guess_that_looks_like_a_key_${n}`;
const LIMITED = { limited: { seconds: expect.any(Number), enforcement: 'local' } };
const from = (address: string) => ({ guesser: { address }, counted: true });
const A_KEY = guess(-1);

const tenant = (organizationId: string) => ({ guesser: { organizationId }, counted: true });

describe('guessed keys', () => {
  test('are looked up once until something changes', async () => {
    const { asked, cache, resolveKey, makeKey } = start();
    for (let i = 0; i < 5; i++) expect(await resolveKey(A_KEY, from('192.0.2.1'))).toBeUndefined();
    expect([asked.mirror.length, asked.workos.length]).toEqual([1, 1]);
    makeKey(A_KEY);
    cache.invalidate({ organizationId: 'org_any', keyId: 'any' });
    expect(await resolveKey(A_KEY, from('192.0.2.1'))).toMatchObject({ source: 'mirror' });
  });

  test('are not remembered if a change came during the read', async () => {
    const { asked, cache, resolveKey, makeKey } = start();
    const first = resolveKey(A_KEY, from('192.0.2.1'));
    makeKey(A_KEY);
    cache.invalidate({ organizationId: 'org_any', keyId: 'any' });
    await first;
    expect(await resolveKey(A_KEY, from('192.0.2.1'))).toMatchObject({ source: 'mirror' });
    expect(asked.mirror).toHaveLength(2);
  });

  test('are not remembered while the notification channel is lost', async () => {
    const { asked, trust, resolveKey } = start();
    const ask = () => resolveKey(A_KEY, from('192.0.2.1'));
    await ask();
    trust.onLost();
    for (let i = 0; i < 3; i++) await ask();
    expect(asked.mirror).toHaveLength(4);
    trust.onOpen();
    await ask();
    expect(asked.mirror).toHaveLength(5);
  });

  const UNAVAILABLE = expect.objectContaining({ code: 'workos_unavailable', status: 503 });

  test('cost WorkOS ten questions a minute for one address, then return 503', async () => {
    const { asked, resolveKey } = start({ questionsPerSecond: 1_000 });
    for (let i = 0; i < 10; i++) expect(await resolveKey(guess(i), from('192.0.2.1'))).toBeUndefined();
    for (let i = 10; i < 50; i++) {
      const answer = resolveKey(guess(i), from('192.0.2.1'));
      await expect(answer).rejects.toEqual(UNAVAILABLE);
      await expect(answer).rejects.toMatchObject({ retryAfterSeconds: expect.any(Number) });
    }
    expect(asked.workos).toHaveLength(10);
    for (let i = 50; i < 60; i++) await resolveKey(guess(i), { guesser: { address: '192.0.2.2' }, counted: false });
    expect(asked.workos).toHaveLength(20);
  });

  test('cost WorkOS the configured questions for all addresses, besides those about expected keys', async () => {
    const began = performance.now();
    const { asked, resolveKey } = start({ questionsPerSecond: 20, expected: (key) => key === A_KEY });
    for (let i = 0; i < 12; i++) await resolveKey(guess(i), from('192.0.2.1')).catch(() => undefined);
    await resolveKey(A_KEY, from('192.0.2.1'));
    expect(asked.workos).toHaveLength(11);
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => resolveKey(guess(100 + i), from(`192.0.2.${100 + i}`))),
    );
    const seconds = (performance.now() - began) / 1_000;
    expect(asked.workos.length).toBeLessThanOrEqual(20 + 20 * seconds);
    const refused = answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason as unknown);
    expect(refused.length).toBeGreaterThan(50);
    for (const reason of refused) expect(reason).toEqual(UNAVAILABLE);
  });

  test('leave other tenants their turns if one tenant asks without end', async () => {
    const { asked, resolveKey } = start({ questionsPerSecond: 20, questionWaitMs: 2_000, expected: () => true });
    const flood = Array.from({ length: 1_000 }, (_, i) => resolveKey(guess(i), tenant('org_a')).catch(() => undefined));
    const others = Array.from({ length: 10 }, (_, i) => resolveKey(guess(10_000 + i), tenant('org_b')));
    const service = Array.from({ length: 10 }, (_, i) => resolveKey(guess(20_000 + i), from('192.0.2.1')));
    expect(await Promise.all([...others, ...service])).toEqual(Array.from({ length: 20 }, () => undefined));
    await Promise.all(flood);
    for (let i = 0; i < 10; i++) expect(asked.workos).toContain(guess(10_000 + i));
  });

  test('leave a guesser over its limit spare look-ups, which find valid keys', async () => {
    const { asked, resolveKey, makeKey } = start({ failuresPerMinute: 5, spareLookUps: 2 });
    makeKey(A_KEY);
    makeKey(guess(500));
    await resolveKey(A_KEY, from('192.0.2.1'));
    for (let i = 0; i < 5; i++) expect(await resolveKey(guess(i), from('192.0.2.1'))).toBeUndefined();
    expect(await resolveKey(guess(5), from('192.0.2.1'))).toEqual(LIMITED);
    const before = { mirror: asked.mirror.length, workos: asked.workos.length };
    expect(await resolveKey(guess(500), from('192.0.2.1'))).toMatchObject({ source: 'mirror' });
    const began = performance.now();
    const guesses = Array.from({ length: 24 }, (_, i) => resolveKey(guess(6 + i), from('192.0.2.1')));
    for (const answer of await Promise.all(guesses)) expect(answer).toEqual(LIMITED);
    const seconds = (performance.now() - began) / 1_000;
    expect(await resolveKey('malformed', from('192.0.2.1'))).toEqual(LIMITED);
    expect(asked.mirror.length - before.mirror).toBeLessThanOrEqual(3 + 2 * seconds);
    expect(asked.workos.length).toBe(before.workos);
    expect(await resolveKey(A_KEY, from('192.0.2.1'))).toMatchObject({ source: 'cache' });
    expect(await resolveKey(guess(31), from('192.0.2.2'))).toBeUndefined();
    // Nor does a guesser over its limit cause another question to WorkOS.
    await expect(resolveKey(guess(32), { guesser: { address: '192.0.2.1' }, counted: false })).rejects.toEqual(
      UNAVAILABLE,
    );
    expect(asked.workos).not.toContain(guess(32));
  });

  test('do not block valid keys of another guesser over its limit', async () => {
    const { resolveKey, makeKey } = start({ failuresPerMinute: 1, spareLookUps: 50, questionsPerSecond: 1_000 });
    for (const who of ['org_a', 'org_b']) for (let i = 0; i < 2; i++) await resolveKey(guess(i), tenant(who));
    for (let i = 0; i < 5; i++) makeKey(guess(1_000 + i));
    const flood = Array.from({ length: 1_000 }, (_, i) => resolveKey(guess(5_000 + i), tenant('org_a')));
    const good = Array.from({ length: 5 }, (_, i) => resolveKey(guess(1_000 + i), tenant('org_b')));
    for (const found of await Promise.all(good)) expect(found).toMatchObject({ source: 'mirror' });
    for (const found of await Promise.all(flood)) expect(found).toEqual(LIMITED);
  });

  test('fill no memory, from one address or from 10,000', async () => {
    const { asked, unknown, limiter, resolveKey } = start({ failuresPerMinute: 300, questionWaitMs: 5 });
    const ask = (i: number, origin: ReturnType<typeof from>) => resolveKey(guess(i), origin).catch(() => undefined);
    for (let i = 0; i < 300; i++) await ask(i, from('192.0.2.1'));
    expect([asked.mirror.length, asked.workos.length]).toEqual([300, 10]);
    await Promise.all(Array.from({ length: 9_700 }, (_, i) => ask(300 + i, from('192.0.2.1'))));
    expect(asked.workos).toHaveLength(10);
    for (let at = 10_000; at < 20_000; at += 1_000) {
      const batch = Array.from({ length: 1_000 }, (_, n) => at + n);
      await Promise.all(
        batch.map((i) => ask(i, from(`2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`))),
      );
    }
    expect(unknown.size()).toBeLessThanOrEqual(10_000);
    expect(limiter.sizes().windows).toBeLessThanOrEqual(MAX_WINDOWS);
  }, 30_000);
});
