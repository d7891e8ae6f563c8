import { expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { startConsumer, trusting, warm } from './consumer.ts';

const MINUTE = { limit: 10, window_seconds: 60 };
const none = 'none' as const;
const service = await startService(
  {},
  {
    plans: [
      { name: 'ten', key_limit: 100, rate_limit: MINUTE, concurrency: none },
      { name: 'two_at_once', key_limit: 100, rate_limit: none, concurrency: 2 },
    ],
  },
);
async function keyOn(plan: string) {
  const acme = await service.organizations.add({ status: 'active', plan });
  return { acme, key: await createKey(service, await acme.session()) };
}
const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b);

test('requireApiKey counts every concurrent request with a limited key', async () => {
  const consumer = await startConsumer(service);
  const { key } = await keyOn('ten');
  await trusting(consumer);
  const answers = await Promise.all(Array.from({ length: 25 }, () => consumer.ask(key.value)));
  expect(statuses(answers)).toEqual([...Array<number>(10).fill(200), ...Array<number>(15).fill(429)]);
  const refused = await consumer.ask(key.value);
  expect(refused).toMatchObject({ status: 429, code: 'rate_limited' });
  expect(refused.headers.get('ratelimit')).toBe(`"key";r=0;t=${refused.headers.get('retry-after')}`);
  expect(refused.body).toMatchObject({
    error: { details: { retry_after: Number(refused.headers.get('retry-after')), limit: 10, scope: 'key' } },
  });
});

test('requireApiKey counts a request with the cost of its route', async () => {
  const consumer = await startConsumer(service);
  const { key } = await keyOn('ten');
  expect((await consumer.ask(key.value, '/costly')).headers.get('ratelimit')).toMatch(/^"key";r=5;/);
  expect((await consumer.ask(key.value, '/costly')).headers.get('ratelimit')).toMatch(/^"key";r=0;/);
  expect((await consumer.ask(key.value)).status).toBe(429);
});

test('requireApiKey holds the lease until the answer is sent or the client disconnects', async () => {
  const consumer = await startConsumer(service);
  const { key } = await keyOn('two_at_once');
  const gone = new AbortController();
  const first = consumer.ask(key.value, '/slow');
  const second = consumer.ask(key.value, '/slow', { signal: gone.signal }).catch(() => undefined);
  await expect.poll(() => consumer.held.length).toBe(2);
  expect(await consumer.ask(key.value)).toMatchObject({ status: 429, code: 'concurrency_limited' });
  consumer.held[0]!.json({});
  await first;
  await expect.poll(async () => (await consumer.ask(key.value)).status).toBe(200);
  gone.abort();
  await second;
  await expect
    .poll(async () => statuses(await Promise.all([consumer.ask(key.value), consumer.ask(key.value)])))
    .toEqual([200, 200]);
});

test('requireApiKey holds no lease for a refused request', async () => {
  const consumer = await startConsumer(service);
  const { key } = await keyOn('two_at_once');
  for (let i = 0; i < 4; i++) expect((await consumer.ask(key.value, '/admin')).status).toBe(403);
  await expect.poll(async () => (await consumer.ask(key.value)).status).toBe(200);
});

test('requireApiKey caches a key whose limit is removed, and calls Latchkey for one that gets a limit', async () => {
  const consumer = await startConsumer(service);
  const { acme, key } = await keyOn('ten');
  await consumer.ask(key.value);
  const billing = async (plan: string) => {
    await fetch(`${service.url}/v1/organizations/${acme.id}/billing`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${SERVICE_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'active', plan }),
    });
  };
  await billing('standard');
  await warm(consumer, key.value);
  await billing('ten');
  await expect
    .poll(async () => (await consumer.ask(key.value)).headers.get('ratelimit-policy'))
    .toBe('"key";q=10;w=60');
});
