import { expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { startConsumer } from './consumer.ts';

const there = await startTestEnvironment();
const service = await startService(there.env);
const acme = await service.organizations.add();
const owner = await acme.session();
const newKey = (environment: 'live' | 'test') => createKey(service, owner, { environment, label: environment });

async function startTrusting() {
  const consumer = await startConsumer(service);
  await expect.poll(consumer.guard.isTrusting).toBe(true);
  return consumer;
}

const mismatch = (environment: string, required: string) => ({
  status: 403,
  code: 'permission_denied',
  body: { error: { details: { environment, required_environment: required } } },
});

test('requireApiKey accepts live keys only by default', async () => {
  const [live, key] = [await newKey('live'), await newKey('test')];
  const consumer = await startTrusting();
  // Asked the first time, judged from memory the second.
  for (let i = 0; i < 2; i++) {
    expect(await consumer.ask(live.value)).toMatchObject({ status: 200, key: { environment: 'live' } });
    expect(await consumer.ask(live.value, '/both')).toMatchObject({ status: 200 });
    expect(await consumer.ask(live.value, '/sandbox')).toMatchObject(mismatch('live', 'test'));
    expect(await consumer.ask(key.value)).toMatchObject(mismatch('test', 'live'));
    expect(await consumer.ask(key.value, '/sandbox')).toMatchObject({ status: 200, key: { environment: 'test' } });
    expect(await consumer.ask(key.value, '/both')).toMatchObject({ status: 200, key: { id: key.id } });
  }
});

test('requireApiKey refuses a cached test key on a live route', async () => {
  const key = await newKey('test');
  const consumer = await startTrusting();
  expect(await consumer.ask(key.value, '/sandbox')).toMatchObject({ status: 200 });
  const asked = consumer.questions();
  expect(await consumer.ask(key.value)).toMatchObject(mismatch('test', 'live'));
  expect(await consumer.ask(key.value, '/sandbox')).toMatchObject({ status: 200 });
  expect(consumer.questions()).toBe(asked);
});

test('requireApiKey decides concurrent requests by the environment of their own route', async () => {
  const key = await newKey('test');
  const consumer = await startTrusting();
  const answers = await Promise.all(
    ['/tasks', '/sandbox', '/both', '/tasks', '/sandbox'].map((path) => consumer.ask(key.value, path)),
  );
  expect(answers.map(({ status }) => status)).toEqual([403, 200, 200, 403, 200]);
});
