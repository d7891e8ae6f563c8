import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import type { JWK, JWTVerifyGetKey } from 'jose';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { makeJwks } from '../../src/auth/jwks.ts';
import { makeTestClock } from '../support/clock.ts';
import type { TestClock } from '../support/clock.ts';

type Served = { status?: number; keys?: JWK[]; text?: string; headers?: Record<string, string> };

let served: Served = {};
let fetches = 0;
const server = createServer((_req, res) => {
  fetches += 1;
  const { status = 200, keys = [], text = JSON.stringify({ keys }), headers = {} } = served;
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(() => server.close());
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;

const pairOf = async (kid: string) => {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256' } };
};
const [first, second] = await Promise.all([pairOf('first'), pairOf('second')]);

let clock: TestClock;
let keySet: JWTVerifyGetKey;
beforeEach(() => {
  served = { keys: [first.jwk] };
  fetches = 0;
  clock = makeTestClock();
  keySet = makeJwks({ url, timeoutMs: 500, clock });
});

const tokenOf = ({ privateKey }: typeof first, kid: string) =>
  new SignJWT({ sub: 'x' }).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey);
const verify = async (pair: typeof first, kid = pair.kid): Promise<string> => {
  const token = await tokenOf(pair, kid);
  return jwtVerify(token, keySet).then(
    () => 'good',
    (error: unknown) => (error as { code?: string }).code ?? 'thrown',
  );
};

test('fetches once for many tokens, also for concurrent ones', async () => {
  expect(await Promise.all(Array.from({ length: 20 }, () => verify(first)))).toEqual(
    Array.from({ length: 20 }, () => 'good'),
  );
  expect(await verify(first)).toBe('good');
  expect(fetches).toBe(1);
});

test('fetches again for an unknown key id, at most every ten seconds', async () => {
  await verify(first);
  clock.advance(10_000);
  const madeUp = await Promise.all(Array.from({ length: 50 }, (_, i) => verify(first, `made-up-${i}`)));
  expect(new Set(madeUp)).toEqual(new Set(['ERR_JWKS_NO_MATCHING_KEY']));
  expect(fetches).toBe(2);
  clock.advance(9_000);
  expect(await verify(first, 'another')).toBe('ERR_JWKS_NO_MATCHING_KEY');
  expect(fetches).toBe(2);
  clock.advance(1_000);
  expect(await verify(first, 'yet-another')).toBe('ERR_JWKS_NO_MATCHING_KEY');
  expect(fetches).toBe(3);
});

test('accepts a new key at its first use', async () => {
  await verify(first);
  clock.advance(10_000);
  served = { keys: [first.jwk, second.jwk] };
  expect(await verify(second)).toBe('good');
  expect(fetches).toBe(2);
});

test('drops a withdrawn key with the next fetch, ten minutes later', async () => {
  await verify(first);
  served = { keys: [second.jwk] };
  clock.advance(9 * 60_000);
  expect(await verify(first)).toBe('good');
  expect(fetches).toBe(1);
  clock.advance(61_000);
  await verify(first);
  await expect.poll(() => verify(first)).toBe('ERR_JWKS_NO_MATCHING_KEY');
  expect(await verify(second)).toBe('good');
});

test('keeps known keys while the address fails, and fetches at the bounded rate', async () => {
  await verify(first);
  served = { status: 503 };
  clock.advance(11 * 60_000);
  for (let i = 0; i < 5; i++) expect(await verify(first)).toBe('good');
  await expect.poll(() => fetches).toBe(2);
  clock.advance(10_000);
  expect(await verify(second)).toBe('workos_unavailable');
  expect(fetches).toBe(3);
  expect(await verify(second)).toBe('workos_unavailable');
  expect(await verify(first)).toBe('good');
  expect(fetches).toBe(3);
});

test.each<[string, Served]>([
  ['an error', { status: 500 }],
  ['no JSON', { text: '<html>' }],
  ['JSON that is no key set', { text: '{"keys":"none"}' }],
  ['a redirect', { status: 302, headers: { location: '/elsewhere' } }],
  ['more than 256 KiB', { text: JSON.stringify({ keys: [], filler: 'x'.repeat(300 * 1024) }) }],
])(
  'throws workos_unavailable while the address answers with %s, and recovers after ten seconds',
  async (_what, answer) => {
    served = answer;
    expect(await verify(first)).toBe('workos_unavailable');
    expect(await verify(first)).toBe('workos_unavailable');
    expect(fetches).toBe(1);
    served = { keys: [first.jwk] };
    clock.advance(10_000);
    expect(await verify(first)).toBe('good');
    expect(fetches).toBe(2);
  },
);

test('throws workos_unavailable when the address does not answer within its deadline', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  keySet = makeJwks({ url: `http://127.0.0.1:${port}`, timeoutMs: 100, clock });
  const started = performance.now();
  expect(await verify(first)).toBe('workos_unavailable');
  expect(performance.now() - started).toBeLessThan(1_000);
  silent.closeAllConnections();
  silent.close();
});
