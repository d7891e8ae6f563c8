import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { makeFetchJson } from '../../src/ci/issuers/fetch-json.ts';
import { makeOriginKeys } from '../../src/leaks/origin-keys.ts';
import { makeTestClock } from '../support/clock.ts';
import { makeSigningKey, startKeyList } from './scanner.ts';

const MINUTE_MS = 60_000;
const key = makeSigningKey('k1');
const added = makeSigningKey('k2');
const log = { warn: () => undefined };

async function start(timeoutMs = 5_000) {
  const list = await startKeyList(key, makeSigningKey('of another curve', 'P-384'));
  const clock = makeTestClock();
  const fetchJson = makeFetchJson({ localOrigin: new URL(list.url).origin, timeoutMs });
  return { list, clock, keyOf: makeOriginKeys({ origin: 'github', address: list.url, fetchJson, clock, log }) };
}

test('fetches the keys once, and again after half an hour', async () => {
  const { list, clock, keyOf } = await start();
  for (let i = 0; i < 3; i++) expect(await keyOf('k1')).toBeDefined();
  expect(list.asked).toBe(1);
  clock.advance(31 * MINUTE_MS);
  expect(await keyOf('k1')).toBeDefined();
  expect(list.asked).toBe(2);
});

test('verifies nothing by a key that was withdrawn half an hour ago', async () => {
  const { list, clock, keyOf } = await start();
  await keyOf('k1');
  list.keys = [];
  clock.advance(31 * MINUTE_MS);
  expect(await keyOf('k1')).toBeUndefined();
});

test('finds a new key at once, by one further fetch', async () => {
  const { list, clock, keyOf } = await start();
  await keyOf('k1');
  clock.advance(10 * MINUTE_MS);
  list.keys = [key.listed, added.listed];
  expect(await Promise.all([keyOf('k2'), keyOf('k2')])).toEqual([expect.anything(), expect.anything()]);
  expect(list.asked).toBe(2);
});

test('fetches at most once in two minutes for unknown ids', async () => {
  const { list, clock, keyOf } = await start();
  await keyOf('k1');
  for (let i = 0; i < 240; i++) {
    clock.advance(1_000);
    await keyOf(`unknown_${i}`);
  }
  expect(list.asked).toBe(3);
});

test('takes no key of another curve, and the others of its list', async () => {
  const { keyOf } = await start();
  expect(await keyOf('of another curve')).toBeUndefined();
  expect(await keyOf('k1')).toBeDefined();
});

test.each<[string, RequestListener]>([
  ['answers with an error', (_req, res) => void res.writeHead(500).end()],
  ['hangs up', (req) => void req.socket.destroy()],
  ['never answers', () => undefined],
  [
    'sends a huge list',
    (_req, res) => void res.end(JSON.stringify({ public_keys: [], filler: 'x'.repeat(300 * 1024) })),
  ],
  ['sends another list', (_req, res) => void res.end('{"keys":[]}')],
  [
    'sends a thousand keys',
    (_req, res) => void res.end(JSON.stringify({ public_keys: Array.from({ length: 1_000 }, () => key.listed) })),
  ],
  ['redirects to this machine', (_req, res) => void res.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
])('has no keys where the server %s: fails closed, and asks again ten seconds later', async (_what, answer) => {
  const { list, clock, keyOf } = await start(200);
  list.answer = answer;
  for (let i = 0; i < 3; i++) await expect(keyOf('k1')).rejects.toMatchObject({ code: 'issuer_unavailable' });
  expect(list.asked).toBe(1);
  list.answer = undefined;
  clock.advance(11_000);
  expect(await keyOf('k1')).toBeDefined();
});

test('goes on with known keys for half an hour while the server is away, and says of others that it cannot know', async () => {
  const { list, clock, keyOf } = await start();
  await keyOf('k1');
  list.answer = (req) => void req.socket.destroy();
  clock.advance(20 * MINUTE_MS);
  await expect(keyOf('k2')).rejects.toMatchObject({ code: 'issuer_unavailable' });
  expect(await keyOf('k1')).toBeDefined();
  clock.advance(11 * MINUTE_MS);
  await expect(keyOf('k1')).rejects.toMatchObject({ code: 'issuer_unavailable' });
});

test.each([
  'http://keys.example/list',
  'https://127.0.0.1/list',
  'https://user@keys.example/list',
  'https://keys.example:8443/',
])('asks no other place than one of the public internet: %s', async (address) => {
  const { list, clock } = await start();
  const keyOf = makeOriginKeys({ origin: 'gitlab', address, fetchJson: makeFetchJson(), clock, log });
  await expect(keyOf('k1')).rejects.toMatchObject({ code: 'issuer_unavailable' });
  expect(list.asked).toBe(0);
});
