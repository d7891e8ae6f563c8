import { afterEach, expect, test } from 'vitest';
import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { metricsOf } from '../support/metrics.ts';
import { startService } from '../support/service.ts';
import { failAt, takeWorkosDown } from '../support/workos-faults.ts';
import { keysAtWorkos, makeKeyAtWorkos } from '../support/workos-keys.ts';

const TIMEOUT_MS = 300;
const service = await startService({ WORKOS_TIMEOUT_MS: String(TIMEOUT_MS) });

afterEach(() => service.workos.faults.clear());

const settle = () => service.background.runOnce('settle');
const revoke = (token: string, id: string) => call(service, 'DELETE', `/v1/api-keys/${id}`, { token });
const usageOf = async (token: string) => (await call(service, 'GET', '/v1/organization', { token })).body['usage'];
const rowOfOrganization = (organizationId: string) =>
  service.db('api_keys').where({ organization_id: organizationId }).first();

/** Asks for a key, loses the answer, and returns what is left over at WorkOS. */
async function leaveOrphan(organizationId: string, token: string) {
  failAt(service, 'create', { kind: 'lost_answer' });
  expect(outcome(await requestKey(service, token))).toEqual([503, 'workos_unavailable']);
  const [orphan] = await keysAtWorkos(service, organizationId);
  return orphan!;
}

test.each<[string, FaultInput]>([
  ['an answer lost after the work', { kind: 'lost_answer' }],
  ['a reset after the work', { kind: 'reset_after' }],
  ['an answer cut off', { kind: 'malformed_json' }],
  ['an empty answer', { kind: 'empty_body' }],
])('the key behind %s is deleted at WorkOS and its place is free', async (_what, fault) => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  failAt(service, 'create', fault);
  expect((await requestKey(service, owner)).status).toBe(503);
  expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  expect(await usageOf(owner)).toMatchObject({ api_keys: 0 });
  expect(await rowOfOrganization(acme.id)).toMatchObject({ status: 'failed', due_at: null, workos_id: null });
  expect(await service.db('audit_events').where({ organization_id: acme.id })).toEqual([]);
});

test('a place is free from the first look, also while WorkOS is down', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  failAt(service, 'create', { kind: 'reset_after' });
  await requestKey(service, owner);
  takeWorkosDown(service);
  await settle();
  expect(await usageOf(owner)).toMatchObject({ api_keys: 0 });
  service.workos.faults.clear();
  service.clock.advance(60_000);
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
});

test('a key that WorkOS makes after we gave up is found and deleted too', async () => {
  const acme = await service.organizations.add();
  failAt(service, 'create', { kind: 'latency', ms: 3 * TIMEOUT_MS });
  expect((await requestKey(service, await acme.session())).status).toBe(503);
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  await expect.poll(() => keysAtWorkos(service, acme.id), { timeout: 5_000 }).toHaveLength(1);
  service.clock.advance(60_000);
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  expect(await rowOfOrganization(acme.id)).toMatchObject({ status: 'failed', due_at: null });
});

test('a row that WorkOS knows nothing of is no longer looked for in the end', async () => {
  const acme = await service.organizations.add();
  failAt(service, 'create', { kind: 'reset_before' });
  await requestKey(service, await acme.session());
  await settle();
  expect(await rowOfOrganization(acme.id)).toMatchObject({ status: 'failed', due_at: expect.any(Date) });
  service.clock.advance(4 * 60_000);
  await settle();
  expect(await rowOfOrganization(acme.id)).toMatchObject({ status: 'failed', due_at: null });
});

test('keys that others made are never deleted, whatever their names', async () => {
  const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
  const orphan = await leaveOrphan(acme.id, await acme.session());
  const live = await createKey(service, await acme.session());
  const forged = orphan.name.replace(/[0-9a-f]{12}\]$/, '000000000000]');
  const names = ['a key', '[lk:]', `${orphan.name}x`, forged, orphan.name.toUpperCase()];
  const foreign = await Promise.all(names.map((name) => makeKeyAtWorkos(service, acme.id, name)));
  // The name of one organization's lost key proves nothing in another.
  const moved = await makeKeyAtWorkos(service, other.id, orphan.name);
  await leaveOrphan(other.id, await other.session());
  await settle();
  const left = (await keysAtWorkos(service, acme.id)).map(({ id }) => id);
  expect(left.toSorted()).toEqual([live.id, ...foreign.map(({ id }) => id)].toSorted());
  expect((await keysAtWorkos(service, other.id)).map(({ id }) => id)).toEqual([moved.id]);
});

test('an orphan behind more than a page of other keys is found', async () => {
  const acme = await service.organizations.add();
  const orphan = await leaveOrphan(acme.id, await acme.session());
  for (let i = 0; i < 120; i++) await makeKeyAtWorkos(service, acme.id, `key ${i}`);
  await settle();
  const response = await fetch(`${service.workos.url}/api_keys/${orphan.id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${service.workos.apiKey}` },
  });
  expect(response.status).toBe(404);
});

test('a row whose maker died is ended when its time is over, and not before', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  await leaveOrphan(acme.id, owner);
  // What a process leaves that died right after WorkOS had answered.
  const dueAt = new Date(service.clock().getTime() + 2 * TIMEOUT_MS + 1_000);
  await service.db('api_keys').where({ organization_id: acme.id }).update({ due_at: dueAt });
  await settle();
  expect(await rowOfOrganization(acme.id)).toMatchObject({ status: 'provisioning' });
  expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  service.clock.advance(2 * TIMEOUT_MS + 1_000);
  await settle();
  expect(await rowOfOrganization(acme.id)).toMatchObject({ status: 'failed', due_at: null });
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
});

test('a key is revoked at once while WorkOS is down, and deleted there later', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  takeWorkosDown(service);
  expect(await revoke(owner, key.id)).toMatchObject({ status: 200, body: { status: 'revoked' } });
  expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(401);
  expect(await usageOf(owner)).toMatchObject({ api_keys: 0 });
  service.workos.faults.clear();
  expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  service.clock.advance(10_000);
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  expect(await rowOfOrganization(acme.id)).toMatchObject({
    workos_deleted_at: expect.any(Date),
    due_at: null,
    attempts: 0,
  });
  expect(await service.db('audit_events').where({ organization_id: acme.id }).pluck('action')).toEqual([
    'api_key.created',
    'api_key.revoked',
  ]);
});

test('an orphan is gone within 30 seconds of WorkOS being reachable, however long it was not', async () => {
  const acme = await service.organizations.add();
  await leaveOrphan(acme.id, await acme.session());
  const intervalMs = 12_000;
  takeWorkosDown(service);
  for (let i = 0; i < 12; i++) {
    await settle();
    service.clock.advance(intervalMs);
  }
  service.workos.faults.clear();
  expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  await settle();
  service.clock.advance(intervalMs);
  await settle();
  service.clock.advance(intervalMs);
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
});

test('a settler that died is followed by another when its lease is over', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  takeWorkosDown(service);
  await revoke(owner, key.id);
  service.clock.advance(10_000);
  // Claimed, and never heard of again.
  failAt(service, 'delete', { kind: 'hang', times: 0 });
  const claimed = settle();
  await expect.poll(() => rowOfOrganization(acme.id).then(({ attempts }) => attempts)).toBe(1);
  const { due_at: leaseEnd } = await rowOfOrganization(acme.id);
  await claimed;
  await service.db('api_keys').where({ organization_id: acme.id }).update({ due_at: leaseEnd });
  service.workos.faults.clear();
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  // WorkOS is reachable: 30 seconds at most until the key is gone there, also when a settler dies in between.
  service.clock.advance(20_000);
  await settle();
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
});

test('what WorkOS does not do is tried again later and later, at most 15 seconds apart', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  failAt(service, 'delete', { kind: 'status', status: 503, times: 0 });
  await revoke(owner, key.id);
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 9; attempt++) {
    const { due_at: dueAt } = await rowOfOrganization(acme.id);
    service.clock.advance(Math.max(0, dueAt.getTime() - service.clock().getTime()) + 1);
    const now = service.clock().getTime();
    await settle();
    const { due_at: next, attempts } = await rowOfOrganization(acme.id);
    expect(attempts).toBe(attempt);
    waits.push((next.getTime() - now) / 1_000);
  }
  const full = [2, 4, 8, 15, 15, 15, 15, 15, 15];
  waits.forEach((wait, i) => {
    expect(wait).toBeGreaterThanOrEqual(full[i]! / 2);
    expect(wait).toBeLessThanOrEqual(full[i]! + 2);
  });
  // Replicas that failed together do not come back together.
  expect(new Set(waits).size).toBe(waits.length);
});

test('one key that cannot be settled does not keep another from it', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const keys = [await createKey(service, owner), await createKey(service, owner)];
  takeWorkosDown(service);
  for (const { id } of keys) await revoke(owner, id);
  service.workos.faults.clear();
  service.clock.advance(10_000);
  service.workos.faults.add({ kind: 'status', status: 500, method: 'DELETE', path: `/api_keys/${keys[0]!.id}` });
  await settle();
  expect((await keysAtWorkos(service, acme.id)).map(({ id }) => id)).toEqual([keys[0]!.id]);
});

test('the metric of the lag is the age of the oldest waiting work', async () => {
  const lag = async () => {
    const text = await metricsOf(service);
    return Number(/^latchkey_lag_seconds\{loop="settle"\} (\S+)$/m.exec(text)?.[1]);
  };
  service.clock.advance(10 * 60_000);
  await settle();
  expect(await lag()).toBe(0);
  const acme = await service.organizations.add();
  failAt(service, 'create', { kind: 'reset_after' });
  await requestKey(service, await acme.session());
  service.clock.advance(42_000);
  expect(await lag()).toBeGreaterThanOrEqual(42);
  expect(await lag()).toBeLessThan(60);
  await settle();
  expect(await lag()).toBe(0);
});
