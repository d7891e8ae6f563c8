import { expect, test } from 'vitest';
import { PASSWORD, addPerson } from '../sessions/sign-in/sign-in.ts';
import { call, outcome } from '../support/api.ts';
import { startRedis } from './redis.ts';
import { startReplicas } from './start-replicas.ts';
import type { Replica } from './start-replicas.ts';

const PER_ACCOUNT = 10;
/** Of an account that is tried more often than that from all networks together. */
const UNDER_ATTACK = 3;
const redis = await startRedis();
const cluster = await startReplicas(
  {
    REDIS_URL: redis.url,
    LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE: `${PER_ACCOUNT}`,
    LATCHKEY_SIGN_INS_PER_MINUTE: '1000',
    TRUST_PROXY: '1',
  },
  { sessions: { password_sign_in: true } },
);
const [first, second] = [await cluster.start(), await cluster.start()] as const;

const attempt = ({ url }: Replica, address: string, email: string, password = 'wrong') =>
  call({ url }, 'POST', '/v1/auth/login', { headers: { 'x-forwarded-for': address }, body: { email, password } });

test('wrong passwords of one network on one replica lock out no caller of the other', async () => {
  const { email } = await addPerson(cluster);
  for (let i = 0; i < PER_ACCOUNT; i++) expect((await attempt(first, '198.51.100.1', email)).status).toBe(401);
  for (const replica of [first, second]) {
    const { body, headers } = await attempt(replica, '198.51.100.1', email, PASSWORD);
    expect(body.error.code).toBe('rate_limited');
    expect(body.error.details).toMatchObject({ scope: 'account', enforcement: 'shared' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(outcome(await attempt(second, '203.0.113.1', email, PASSWORD))).toEqual([200, undefined]);
  expect(outcome(await attempt(first, '203.0.113.1', email, PASSWORD))).toEqual([200, undefined]);
});

test('who guesses from many networks is slowed from each on both replicas together, and the person is not', async () => {
  const { email } = await addPerson(cluster);
  const networks = Array.from({ length: 30 }, (_, i) => `198.51.100.${100 + i}`);
  for (const [i, address] of networks.entries())
    expect((await attempt(i % 2 ? first : second, address, email)).status).toBe(401);
  // Of three a minute one is spent: a replica by itself would give each network three.
  const guesser = networks[0]!;
  for (let i = 1; i < UNDER_ATTACK; i++)
    expect((await attempt(i % 2 ? first : second, guesser, email)).status).toBe(401);
  for (const replica of [first, second]) {
    const { body } = await attempt(replica, guesser, email);
    expect(body.error.details).toMatchObject({ scope: 'account', limit: UNDER_ATTACK, enforcement: 'shared' });
  }
  for (const replica of [first, second])
    expect(outcome(await attempt(replica, '203.0.113.2', email, PASSWORD))).toEqual([200, undefined]);
});
