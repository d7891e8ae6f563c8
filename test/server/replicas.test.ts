import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';
import { startReplicas } from './start-replicas.ts';
import type { Replica } from './start-replicas.ts';

const cluster = await startReplicas();
const first = await cluster.start();
const second = await cluster.start();
// Room for every key of these tests.
const acme = await cluster.organizations.add({ status: 'active', plan: 'scale' });
const owner = () => acme.session('owner');

const verify = async (replica: Replica, key: CreatedKey, more: object = {}) =>
  (await call(replica, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value, ...more } }))
    .body;
const codeAt = async (replica: Replica, key: CreatedKey, more: object = {}) =>
  (await verify(replica, key, more))['code'];
const revoke = async (key: CreatedKey) => call(first, 'DELETE', `/v1/api-keys/${key.id}`, { token: await owner() });
const turn = async (verb: 'suspend' | 'resume', key: CreatedKey, at: Replica = first) =>
  expect((await call(at, 'POST', `/v1/api-keys/${key.id}/${verb}`, { token: await owner() })).status).toBe(200);
const createAt = async (replica: Replica) => createKey(replica, await owner());

/** Verifies until the answer comes from memory: a first read may have raced the notice of the key's making. */
async function warm(replica: Replica, key: CreatedKey): Promise<void> {
  await expect.poll(async () => (await verify(replica, key))['source'], { interval: 1 }).toBe('cache');
}

const cutChannels = () =>
  cluster.db.raw("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'latchkey listener'");

/** How long after now the other replica says `code`, in milliseconds. */
async function delayUntil(code: string, ask: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  while ((await ask()) !== code) {
    if (performance.now() - from > 5_000) throw new Error(`it never said ${code}`);
  }
  return performance.now() - from;
}

test('a new key works on every replica at once', async () => {
  for (let i = 0; i < 50; i++) {
    const key = await createAt(i % 2 === 0 ? first : second);
    expect(await codeAt(i % 2 === 0 ? second : first, key)).toBe('valid');
    await revoke(key);
  }
});

async function counted({ url }: Replica): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^latchkey_invalidations_total\{of="key"\} (\d+)$/m.exec(text)?.[1]);
}

test('every replica counts a change once, the one that made it as well', async () => {
  const key = await createAt(first);
  await warm(first, key);
  await warm(second, key);
  const before = [await counted(first), await counted(second)];
  await revoke(key);
  const after = before.map((count) => count + 1);
  await expect.poll(async () => [await counted(first), await counted(second)]).toEqual(after);
  // Two heartbeats, which read the same change in the log.
  await sleep(1_200);
  expect([await counted(first), await counted(second)]).toEqual(after);
});

test('a revocation is seen by another replica within 250 ms, from the answer of DELETE on', async () => {
  const delays: number[] = [];
  for (let i = 0; i < 50; i++) {
    const key = await createAt(first);
    await warm(second, key);
    await revoke(key);
    delays.push(await delayUntil('revoked', () => codeAt(second, key)));
  }
  expect(Math.max(...delays)).toBeLessThan(250);
});

test('a suspension and its end are seen by another replica within 250 ms, and by their own at once', async () => {
  const key = await createAt(first);
  for (let i = 0; i < 20; i++) {
    const [here, there] = i % 2 === 0 ? [first, second] : [second, first];
    await warm(there, key);
    await turn('suspend', key, here);
    expect(await codeAt(here, key)).toBe('suspended');
    expect(await delayUntil('suspended', () => codeAt(there, key))).toBeLessThan(250);
    await turn('resume', key, here);
    expect(await codeAt(here, key)).toBe('valid');
    expect(await delayUntil('valid', () => codeAt(there, key))).toBeLessThan(250);
  }
  await revoke(key);
});

test('a changed posture is seen by another replica within 250 ms', async () => {
  const key = await createAt(first);
  const creates = () => codeAt(second, key, { operation: 'create' });
  const bill = (status: string) =>
    call(first, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body: { status } });
  for (let i = 0; i < 10; i++) {
    expect(await creates()).toBe('valid');
    await bill('past_due');
    expect(await delayUntil('billing_inactive', creates)).toBeLessThan(250);
    await bill('active');
    expect(await delayUntil('valid', creates)).toBeLessThan(250);
  }
  await revoke(key);
});

test('when the channel is lost nothing cached is believed, and it comes back by itself', async () => {
  const key = await createAt(first);
  await warm(second, key);
  await cutChannels();
  await expect.poll(() => second.trust.isTrusted(), { interval: 1 }).toBe(false);
  expect((await verify(second, key))['source']).toBe('mirror');
  await expect.poll(() => second.trust.isTrusted(), { timeout: 10_000 }).toBe(true);
  await warm(second, key);
  await revoke(key);
  expect(await delayUntil('revoked', () => codeAt(second, key))).toBeLessThan(250);
});

test('a revocation while the channel is lost is believed as soon as the loss is noticed', async () => {
  for (let i = 0; i < 5; i++) {
    const key = await createAt(first);
    await codeAt(second, key);
    await cutChannels();
    await revoke(key);
    expect(await delayUntil('revoked', () => codeAt(second, key))).toBeLessThan(250);
    await sleep(200);
  }
});

test('a suspension while the channel is lost is believed as soon as the loss is noticed, and is never undone', async () => {
  for (let i = 0; i < 5; i++) {
    const key = await createAt(first);
    await codeAt(second, key);
    await cutChannels();
    await turn('suspend', key);
    expect(await delayUntil('suspended', () => codeAt(second, key))).toBeLessThan(250);
    await expect.poll(() => second.trust.isTrusted(), { timeout: 10_000 }).toBe(true);
    expect(await codeAt(second, key)).toBe('suspended');
    await revoke(key);
  }
});

test('a replica that joins late knows what was revoked before', async () => {
  const key = await createAt(first);
  await revoke(key);
  const third = await cluster.start();
  expect(await codeAt(third, key)).toBe('revoked');
});

test('a key that one replica has learnt of from WorkOS is known by another at once, which knew that it did not know it', async () => {
  const key = (await makeDashboardKey(cluster, acme.id)) as unknown as CreatedKey;
  await codeAt(first, key);
  // As though an event had told of the key, and nobody had used it.
  await cluster.db('api_keys').where({ workos_id: key.id }).update({ secret_hash: null, hash_key: '' });
  takeWorkosDown(cluster);
  const answer = await call(second, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value } });
  expect(answer.status).toBe(503);
  cluster.workos.faults.clear();
  expect(await codeAt(await cluster.start(), key)).toBe('valid');
  takeWorkosDown(cluster);
  await expect.poll(() => codeAt(second, key), { timeout: 250, interval: 1 }).toBe('valid');
  cluster.workos.faults.clear();
});
