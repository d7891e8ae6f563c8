import { expect, test } from 'vitest';
import { makeKeyFormat } from '../../src/keys/key-format.ts';
import { makeFailedCredentials } from '../../src/limits/failed-credentials.ts';
import { makeLocalLimiter } from '../../src/limits/local-limiter.ts';
import { makeAdoptKey } from '../../src/verification/adopt-key.ts';
import { makeKeyCache } from '../../src/verification/key-cache.ts';
import { makeKeyHasher } from '../../src/verification/key-hasher.ts';
import type { MirrorRead } from '../../src/verification/mirror-record.ts';
import { makeKeyResolver } from '../../src/verification/resolve-key.ts';
import { makeTrust } from '../../src/verification/trust.ts';
import { makeUnknownKeys } from '../../src/verification/unknown-keys.ts';

const MAX_WINDOWS = 1_000;
const UNLIMITED = 0;
const clock = () => new Date();
const format = makeKeyFormat({ prefixes: ['sk_'] });

type Options = { failuresPerMinute?: number; questionsPerSecond?: number; expected?: (key: string) => boolean };

/** Everything between a presented key and the database and WorkOS, which are told of and know nothing. */
function start({ failuresPerMinute = UNLIMITED, questionsPerSecond = 20, expected = () => false }: Options = {}) {
  const asked = { mirror: [] as string[], workos: [] as string[] };
  const known = new Map<string, MirrorRead>();
  const limiter = makeLocalLimiter({ leaseSeconds: 60, maxWindows: MAX_WINDOWS, clock });
  const failures = makeFailedCredentials({ limiter, perMinute: failuresPerMinute, clock });
  const cache = makeKeyCache({ maxKeys: 100, ttlMs: 60_000 });
  const trust = makeTrust(cache, { trusted: true });
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
    limiter,
    questionsPerSecond,
    questionsPerMinute: 10,
  });
  const { resolveKey } = makeKeyResolver({
    format,
    hasher,
    cache,
    unknown,
    trust,
    readMirror(hashes) {
      const name = hashes[0]!.toString('base64');
      asked.mirror.push(name);
      return Promise.resolve(known.get(name));
    },
    renewHash: () => undefined,
    adopt,
    failures,
    clock,
  });
  const makeKey = (key: string) => known.set(hasher.nameOf(key), { record: {}, hashKey: '', hash: '' } as never);
  return { asked, cache, unknown, limiter, trust, resolveKey, makeKey };
}

const guess = (n: number) => `sk_guess_that_looks_like_a_key_${n}`;
const LIMITED = { limited: { seconds: expect.any(Number), enforcement: 'local' } };
const from = (address: string) => ({ address, limited: true });
const A_KEY = guess(-1);

test('a key that nobody knows is looked up once, until anything changes', async () => {
  const { asked, cache, resolveKey, makeKey } = start();
  for (let i = 0; i < 5; i++) expect(await resolveKey(A_KEY, from('192.0.2.1'))).toBeUndefined();
  expect([asked.mirror.length, asked.workos.length]).toEqual([1, 1]);
  makeKey(A_KEY);
  cache.invalidate({ organizationId: 'org_any', keyId: 'any' });
  expect(await resolveKey(A_KEY, from('192.0.2.1'))).toMatchObject({ source: 'mirror' });
});

test('a read that raced a change is not remembered', async () => {
  const { asked, cache, resolveKey, makeKey } = start();
  const first = resolveKey(A_KEY, from('192.0.2.1'));
  makeKey(A_KEY);
  cache.invalidate({ organizationId: 'org_any', keyId: 'any' });
  await first;
  expect(await resolveKey(A_KEY, from('192.0.2.1'))).toMatchObject({ source: 'mirror' });
  expect(asked.mirror).toHaveLength(2);
});

test('while the channel of changes is lost nothing unknown is remembered, nor what was before', async () => {
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

test('for one address WorkOS is asked ten times a minute about keys that nobody expects', async () => {
  const { asked, resolveKey } = start({ questionsPerSecond: 1_000 });
  for (let i = 0; i < 50; i++) await resolveKey(guess(i), from('192.0.2.1'));
  expect(asked.workos).toHaveLength(10);
  for (let i = 50; i < 60; i++) await resolveKey(guess(i), { address: '192.0.2.2', limited: false });
  expect(asked.workos).toHaveLength(20);
});

test('for all addresses together as often as configured, and about a key that is expected whoever has it', async () => {
  const began = performance.now();
  const { asked, resolveKey } = start({ questionsPerSecond: 20, expected: (key) => key === A_KEY });
  for (let i = 0; i < 12; i++) await resolveKey(guess(i), from('192.0.2.1'));
  await resolveKey(A_KEY, from('192.0.2.1'));
  expect(asked.workos).toHaveLength(11);
  for (let i = 100; i < 200; i++) await resolveKey(guess(i), from(`192.0.2.${i}`));
  const seconds = (performance.now() - began) / 1_000;
  expect(asked.workos.length).toBeLessThanOrEqual(20 + 20 * seconds);
});

test('an address over its limit is answered without a look, but for what memory knows', async () => {
  const { asked, resolveKey, makeKey } = start({ failuresPerMinute: 5 });
  makeKey(A_KEY);
  await resolveKey(A_KEY, from('192.0.2.1'));
  for (let i = 0; i < 5; i++) expect(await resolveKey(guess(i), from('192.0.2.1'))).toBeUndefined();
  expect(await resolveKey(guess(5), from('192.0.2.1'))).toEqual(LIMITED);
  const before = { mirror: asked.mirror.length, workos: asked.workos.length };
  for (let i = 6; i < 30; i++) expect(await resolveKey(guess(i), from('192.0.2.1'))).toEqual(LIMITED);
  expect(await resolveKey('malformed', from('192.0.2.1'))).toEqual(LIMITED);
  expect({ mirror: asked.mirror.length, workos: asked.workos.length }).toEqual(before);
  expect(await resolveKey(A_KEY, from('192.0.2.1'))).toMatchObject({ source: 'cache' });
  expect(await resolveKey(guess(31), from('192.0.2.2'))).toBeUndefined();
  expect(await resolveKey(guess(32), { address: '192.0.2.1', limited: false })).toBeUndefined();
  // Nor does whoever is over make WorkOS be asked in another way.
  expect(asked.workos).not.toContain(guess(32));
});

test('50,000 guesses from one address and from 25,000 fill no memory', async () => {
  const { asked, unknown, limiter, resolveKey } = start({ failuresPerMinute: 300 });
  for (let i = 0; i < 25_000; i++) await resolveKey(guess(i), from('192.0.2.1'));
  expect([asked.mirror.length, asked.workos.length]).toEqual([301, 10]);
  for (let i = 25_000; i < 50_000; i++) {
    await resolveKey(guess(i), from(`2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`));
  }
  expect(unknown.size()).toBeLessThanOrEqual(10_000);
  expect(limiter.sizes().windows).toBeLessThanOrEqual(MAX_WINDOWS);
}, 30_000);
