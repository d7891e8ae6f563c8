import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { startRedis } from './redis.ts';
import { startReplicas } from './start-replicas.ts';
import type { Replica } from './start-replicas.ts';

const CALLERS = 64;
const none = 'none' as const;
const redis = await startRedis();
const cluster = await startReplicas(
  { REDIS_URL: redis.url, LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '6', TRUST_PROXY: '1' },
  {
    plans: [
      { name: 'rate', key_limit: 10, rate_limit: { limit: 100, window_seconds: 3_600 }, concurrency: none },
      { name: 'places', key_limit: 10, rate_limit: none, concurrency: 7 },
    ],
  },
);
const replicas = [await cluster.start(), await cluster.start()] as const;

const verify = async ({ url }: Replica, key: string) =>
  (await call({ url }, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body;
const release = ({ url }: Replica, id: string) =>
  call({ url }, 'POST', `/v1/leases/${id}/release`, { token: SERVICE_TOKEN });
const eachCaller = (work: (replica: Replica) => Promise<void>) =>
  Promise.all(Array.from({ length: CALLERS }, (_, i) => work(replicas[i % 2]!)));
async function keyOn(plan: string): Promise<string> {
  const acme = await cluster.organizations.add({ status: 'active', plan });
  return (await createKey(replicas[0], await acme.session())).value;
}

test('of 64 callers on two replicas exactly as many pass as the rate has', async () => {
  const key = await keyOn('rate');
  const codes = new Map<unknown, number>();
  await eachCaller(async (replica) => {
    for (let i = 0; i < 5; i++) {
      const { code, enforcement } = await verify(replica, key);
      expect(enforcement).toBe('shared');
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  });
  expect(Object.fromEntries(codes)).toEqual({ valid: 100, rate_limited: CALLERS * 5 - 100 });
});

test('of 64 callers on two replicas never more hold a place than there are', async () => {
  const key = await keyOn('places');
  let held = 0;
  let most = 0;
  let passed = 0;
  await eachCaller(async (replica) => {
    for (let i = 0; i < 10; i++) {
      const { lease } = await verify(replica, key);
      if (lease === null) continue;
      most = Math.max(most, ++held);
      passed++;
      await sleep(Math.random() * 5);
      held--;
      // Given back where it was not taken.
      const other = replica === replicas[0] ? replicas[1] : replicas[0];
      expect((await release(other, (lease as { id: string }).id)).status).toBe(200);
    }
  });
  expect(most).toBeLessThanOrEqual(7);
  expect(passed).toBeGreaterThan(7);
  const last = await Promise.all(Array.from({ length: 8 }, () => verify(replicas[0], key)));
  expect(last.filter(({ valid }) => valid)).toHaveLength(7);
});

test('failed credentials of an address are counted on all replicas together, and the answer names the count', async () => {
  const ip = '192.0.2.1';
  const key = 'sk_nobodys_key_but_long_enough_to_be_one';
  const verifyAt = async ({ url }: Replica) =>
    (await call({ url }, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key, ip } })).body;
  for (let i = 0; i < 6; i++) expect(await verifyAt(replicas[i % 2]!)).toMatchObject({ code: 'not_found' });
  // The second time it is known without a question.
  for (const replica of [...replicas, ...replicas]) {
    const { code, enforcement } = await verifyAt(replica);
    expect([code, enforcement]).toEqual(['rate_limited', 'shared']);
    const token = key;
    const headers = { 'x-forwarded-for': ip };
    const refused = await call(replica, 'GET', '/v1/me/session', { token, headers });
    expect([refused.body.error.details, refused.headers.get('x-latchkey-enforcement')]).toMatchObject([
      { scope: 'address', enforcement: 'shared' },
      'shared',
    ]);
  }
});
