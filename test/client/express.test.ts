import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLatchkeyClient } from '../../src/client/client.ts';
import type { Verdict } from '../../src/client/client.ts';
import { requireApiKey } from '../../src/client/express.ts';
import { makeKeyGuard } from '../../src/client/guard/key-guard.ts';
import { call, createKey } from '../support/api.ts';
import { cuttable } from '../support/cuttable.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { startConsumer, trusting, warm } from './consumer.ts';

const service = await startService();
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const owner = await acme.session('owner');
const newKey = (body: object = {}) => createKey(service, owner, body);
const revoke = async (id: string) => {
  const answer = await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
  expect(answer.status).toBe(200);
};

test('requireApiKey passes a valid key on, and sets req.apiKey', async () => {
  const consumer = await startConsumer(service);
  const key = await newKey({ label: 'CI', permission_set: 'full_access' });
  const { status, key: seen } = await consumer.ask(key.value);
  expect([status, seen]).toEqual([
    200,
    {
      id: key.id,
      environment: 'live',
      organizationId: acme.id,
      label: 'CI',
      permissionSet: 'full_access',
      scopes: expect.arrayContaining(['tasks:write']),
      posture: 'active',
      stale: false,
    },
  ]);
  expect((await consumer.ask(undefined, '/tasks', { headers: { 'x-api-key': key.value } })).status).toBe(200);
  const both = { headers: { 'x-api-key': key.value, authorization: `bearer ${key.value}` } };
  expect((await consumer.ask(undefined, '/tasks', both)).status).toBe(200);
});

test('requireApiKey refuses with the status, code and envelope of the service', async () => {
  const consumer = await startConsumer(service);
  const key = await newKey();
  const ended = await newKey();
  await revoke(ended.id);
  const expiring = await newKey({ expires_at: new Date(service.clock().getTime() + 60_000).toISOString() });
  await service
    .db('api_keys')
    .where({ workos_id: expiring.id })
    .update({ expires_at: new Date(Date.now() - 1_000) });
  service.trust.onNotification('anything');

  expect(await consumer.ask()).toMatchObject({ status: 401, code: 'credential_missing' });
  expect(await consumer.ask('sk_unknown_key_0123456789')).toMatchObject({ status: 401, code: 'credential_invalid' });
  expect(await consumer.ask(ended.value)).toMatchObject({ status: 401, code: 'credential_invalid' });
  expect(await consumer.ask(expiring.value)).toMatchObject({ status: 401, code: 'credential_expired' });
  const two = { headers: { 'x-api-key': ended.value } };
  expect(await consumer.ask(key.value, '/tasks', two)).toMatchObject({ status: 401, code: 'credential_invalid' });
  const basic = { headers: { authorization: 'Basic c2s=' } };
  expect(await consumer.ask(undefined, '/tasks', basic)).toMatchObject({ status: 401, code: 'credential_invalid' });

  const denied = await consumer.ask(key.value, '/admin');
  expect([denied.status, denied.body]).toEqual([
    403,
    {
      error: {
        code: 'permission_denied',
        message: expect.stringContaining('nobody:has'),
        request_id: denied.headers.get('x-request-id'),
        details: { required_scopes: ['audit:read', 'nobody:has'] },
      },
    },
  ]);
});

test('requireApiKey applies billing to the operation, and a change at once', async () => {
  const consumer = await startConsumer(service);
  const other = await service.organizations.add();
  const key = await createKey(service, await other.session('owner'));
  const bill = (status: string) =>
    call(service, 'PUT', `/v1/organizations/${other.id}/billing`, { token: SERVICE_TOKEN, body: { status } });
  await warm(consumer, key.value);
  expect((await consumer.ask(key.value, '/tasks', { method: 'POST' })).status).toBe(200);
  await bill('past_due');
  await expect.poll(async () => (await consumer.ask(key.value, '/odd')).status, { interval: 5 }).toBe(423);
  const refused = await consumer.ask(key.value, '/tasks', { method: 'POST' });
  expect(refused.body).toMatchObject({ error: { code: 'billing_inactive', details: { posture: 'past_due' } } });
  for (const method of ['GET', 'DELETE'])
    expect((await consumer.ask(key.value, '/tasks', { method })).status).toBe(200);
  expect((await consumer.ask(key.value, '/odd?dry')).status).toBe(200);
});

test('requireApiKey calls Latchkey once per key, also for concurrent requests', async () => {
  const consumer = await startConsumer(service);
  const key = await newKey();
  await trusting(consumer);
  const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await consumer.ask(key.value)).status));
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(consumer.questions()).toBeLessThan(10);
  await warm(consumer, key.value);
});

test('concurrent requests with one key share a call', async () => {
  const answered = Promise.withResolvers<void>();
  const verdict = async (ask: () => Promise<Verdict>) => {
    await answered.promise;
    return ask();
  };
  const consumer = await startConsumer({ ...service, verdict });
  const key = await newKey();
  const asked = Array.from({ length: 20 }, () => consumer.ask(key.value));
  await expect.poll(consumer.questions).toBe(1);
  await sleep(50);
  answered.resolve();
  expect((await Promise.all(asked)).every(({ status }) => status === 200)).toBe(true);
  expect(consumer.questions()).toBe(1);
});

test('requireApiKey refuses a revoked key within 250 ms of the answer of DELETE', async () => {
  const consumer = await startConsumer(service);
  for (let i = 0; i < 3; i++) {
    const key = await newKey();
    await warm(consumer, key.value);
    await revoke(key.id);
    const from = performance.now();
    while ((await consumer.ask(key.value)).status !== 401) expect(performance.now() - from).toBeLessThan(250);
  }
});

test('an answer from before a change is not cached', async () => {
  const racing = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const verdict = async (ask: () => Promise<Verdict>) => {
    const answer = await ask();
    racing.resolve();
    await answered.promise;
    return answer;
  };
  const consumer = await startConsumer({ ...service, verdict });
  const key = await newKey();
  await trusting(consumer);
  const slow = consumer.ask(key.value);
  await racing.promise;
  await revoke(key.id);
  // Told by now; who asks from here on is not answered by the question from before.
  await sleep(50);
  const later = consumer.ask(key.value);
  answered.resolve();
  expect((await slow).status).toBe(200);
  expect((await later).status).toBe(401);
  expect((await consumer.ask(key.value)).status).toBe(401);
  expect(consumer.guard.size()).toBe(0);
});

test('requireApiKey compares the expiry with the clock at each use', async () => {
  const consumer = await startConsumer(service);
  const expiresAt = Date.now() + 900;
  const key = await newKey({ expires_at: new Date(expiresAt).toISOString() });
  await warm(consumer, key.value);
  await sleep(expiresAt - Date.now() + 5);
  const before = consumer.questions();
  expect(await consumer.ask(key.value)).toMatchObject({ status: 401, code: 'credential_expired' });
  expect(consumer.questions()).toBe(before);
});

test('every request calls Latchkey while the stream is lost, and the cache is used again afterwards', async () => {
  const way = await cuttable(service);
  const consumer = await startConsumer(way);
  const [key, gone] = [await newKey(), await newKey()];
  await warm(consumer, key.value);
  await warm(consumer, gone.value);
  way.cut();
  await expect.poll(() => consumer.guard.isTrusting(), { interval: 1 }).toBe(false);
  expect(await consumer.ask(key.value)).toMatchObject({ status: 503, code: 'verification_unavailable' });
  await revoke(gone.id);
  way.mend();
  await trusting(consumer);
  // What was missed was told, and nothing else was dropped: this is no reset.
  expect(consumer.guard.size()).toBe(1);
  const before = consumer.questions();
  expect((await consumer.ask(key.value)).status).toBe(200);
  expect(consumer.questions()).toBe(before);
  expect((await consumer.ask(gone.value)).status).toBe(401);
});

test('every request calls Latchkey while its LISTEN connection is lost, and the cache is empty afterwards', async () => {
  const consumer = await startConsumer(service);
  const key = await newKey();
  await warm(consumer, key.value);
  service.trust.onLost();
  onTestFinished(() => service.trust.onOpen());
  await expect.poll(() => consumer.guard.isTrusting(), { interval: 1 }).toBe(false);
  for (let i = 0; i < 3; i++) {
    const before = consumer.questions();
    expect((await consumer.ask(key.value)).status).toBe(200);
    expect(consumer.questions()).toBe(before + 1);
  }
  service.trust.onOpen();
  await trusting(consumer);
  expect(consumer.guard.size()).toBe(0);
});

test('a cached key is accepted as stale while Latchkey is unavailable, for staleGraceMs', async () => {
  const way = await cuttable(service);
  const consumer = await startConsumer({ ...way, cache: { staleGraceMs: 500 } });
  const key = await newKey();
  await warm(consumer, key.value);
  way.cut();
  await expect.poll(() => consumer.guard.isTrusting(), { interval: 1 }).toBe(false);
  expect(await consumer.ask(key.value)).toMatchObject({ status: 200, key: { id: key.id, stale: true } });
  expect(await consumer.ask('sk_unknown_key_0123456789')).toMatchObject({ status: 503 });
  await expect.poll(async () => (await consumer.ask(key.value)).status).toBe(503);
  const refused = await consumer.ask(key.value);
  expect(refused.headers.get('retry-after')).toBe('1');
});

test('a wrong service token is answered 503, also with staleGraceMs', async () => {
  const consumer = await startConsumer({ ...service, token: 'svc_wrong', cache: { staleGraceMs: 60_000 } });
  const key = await newKey();
  expect(await consumer.ask(key.value)).toMatchObject({ status: 503, code: 'verification_unavailable' });
});

test('the cache holds maxKeys keys, and drops the least recently used', async () => {
  const consumer = await startConsumer({ ...service, cache: { maxKeys: 2 } });
  const keys = [await newKey(), await newKey(), await newKey()];
  for (const key of keys) await warm(consumer, key.value);
  expect(consumer.guard.size()).toBe(2);
  const before = consumer.questions();
  await consumer.ask(keys[2]!.value);
  await consumer.ask(keys[1]!.value);
  expect(consumer.questions()).toBe(before);
  await consumer.ask(keys[0]!.value);
  expect(consumer.questions()).toBe(before + 1);
});

test('the cache holds hashes instead of secrets', async () => {
  const client = createLatchkeyClient({ baseUrl: service.url, token: SERVICE_TOKEN });
  const guard = makeKeyGuard({ client, cache: { replicaLagMs: 0 } });
  onTestFinished(guard.close);
  const key = await newKey();
  await trusting({ guard });
  await expect.poll(async () => guard.ask(key.value, {}).then(guard.size)).toBe(1);
  expect(guard.names()).toEqual([createHash('sha256').update(key.value).digest('base64url')]);
});

test('a guard with a machine token caches keys of its own organization only', async () => {
  const consumer = await startConsumer({ ...service, token: await acme.machineToken('apikeys:verify') });
  const other = await service.organizations.add();
  const foreign = await createKey(service, await other.session('owner'));
  await warm(consumer, (await newKey()).value);
  expect(await consumer.ask(foreign.value)).toMatchObject({ status: 401, code: 'credential_invalid' });
});

test('routes with the same client share a cache, and a client may be given as a baseUrl', () => {
  const client = createLatchkeyClient({ baseUrl: 'http://127.0.0.1:1', token: SERVICE_TOKEN });
  expect(requireApiKey({ client, scopes: ['a'] })).toBeTypeOf('function');
  expect(requireApiKey({ client })).toBeTypeOf('function');
  expect(requireApiKey({ baseUrl: 'http://127.0.0.1:1', token: SERVICE_TOKEN })).toBeTypeOf('function');
});

test('requireApiKey refuses creates when a trial ends by the clock', async () => {
  const consumer = await startConsumer(service);
  const trialEndsAt = new Date(service.clock().getTime() + 60_000);
  const trial = await service.organizations.add({ status: 'trial', trialEndsAt });
  const key = await createKey(service, await trial.session('owner'));
  await warm(consumer, key.value);
  const before = consumer.questions();
  expect((await consumer.ask(key.value, '/tasks', { method: 'POST' })).status).toBe(200);
  expect(consumer.questions()).toBe(before);
  vi.useFakeTimers({ toFake: ['Date'], now: trialEndsAt.getTime() + 1 });
  onTestFinished(() => void vi.useRealTimers());
  service.clock.advance(61_000);
  const post = await consumer.ask(key.value, '/tasks', { method: 'POST' });
  expect(post).toMatchObject({ status: 423, code: 'billing_inactive' });
  expect(post.body).toMatchObject({ error: { details: { posture: 'trial_expired' } } });
  expect((await consumer.ask(key.value)).status).toBe(200);
});
