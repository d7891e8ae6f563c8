import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { makeItems } from '../../src/background/items.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { makeDecommission } from '../../src/tenants/decommission.ts';
import { makeDecommissionRepository } from '../../src/tenants/decommission-repository.ts';
import { makeRevokeSomeKeys } from '../../src/api-keys/mirror/revoke-some-keys.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { makeTestAudit } from '../support/audit.ts';
import { addKeys } from '../support/many-keys.ts';
import type { Organization } from '../support/organizations.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { metricsOf } from '../support/metrics.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { failAt } from '../support/workos-faults.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

const MINUTE_MS = 60_000;
const BATCH = 200;
const stuck = makeStuck();
const service = await startService({}, { at: stuck.at });
const { db, clock, background } = service;

const put = (id: string, body: object) =>
  call(service, 'PUT', `/v1/organizations/${id}/billing`, { token: SERVICE_TOKEN, body });
const closeAt = (acme: Organization, time: Date) =>
  put(acme.id, { status: 'decommissioning', decommission_at: time.toISOString() });
const inMinutes = (minutes: number) => new Date(clock().getTime() + minutes * MINUTE_MS);
const codeOf = async (key: string) =>
  (await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body['code'];
const statuses = async (acme: Organization) => {
  const rows = await db('api_keys').where({ organization_id: acme.id }).groupBy('status').select('status').count();
  return Object.fromEntries(rows.map(({ status, count }) => [String(status), Number(count)]));
};
const eventsOf = (acme: Organization, action: string) =>
  db('audit_events').where({ organization_id: acme.id, action }).orderBy('sequence');
const decommission = () => background.runOnce('decommission');
const tenantOf = (acme: Organization) => db('tenants').where({ organization_id: acme.id }).first();

/** Goes on until the work at WorkOS is done that is due within these minutes. */
async function settleFor(minutes: number): Promise<void> {
  clock.advance(minutes * MINUTE_MS);
  await background.runOnce('settle');
}

/** A replica that is gone after so many batches; `fail` keeps one organization from being recorded. */
function replica({ batches = Infinity, fail }: { batches?: number; fail?: string } = {}) {
  const gone = new AbortController();
  const audit = makeTestAudit(clock);
  let done = 0;
  const step = makeDecommission({
    db,
    ending: makeDecommissionRepository(db),
    revokeSomeKeys: makeRevokeSomeKeys({ deletionsPerSecond: 20 }),
    audit: {
      appendAll: (trx, id, events) =>
        id === fail ? Promise.reject(new Error('no room')) : audit.appendAll(trx, id, events),
    },
    items: makeItems({ db, failures: makeMetrics().failures, clock, log: pino({ level: 'silent' }) }, 'decommission'),
    decommissionedKeys: { inc: () => undefined },
    clock,
    log: { info: () => (++done >= batches ? gone.abort() : undefined) },
  });
  return () => step(gone.signal);
}

describe('the decommission loop', () => {
  test('revokes all keys at its time and not before, here at once and at WorkOS in turn', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    const expiring = await createKey(service, await acme.session(), { expires_at: inMinutes(1).toISOString() });
    await closeAt(acme, inMinutes(10));
    clock.advance(10 * MINUTE_MS - 5_000);
    await decommission();
    expect([await codeOf(key.value), (await tenantOf(acme)).decommissioned_at]).toEqual(['valid', null]);
    clock.advance(5_000);
    await decommission();
    expect([await codeOf(key.value), await codeOf(expiring.value)]).toEqual(['revoked', 'revoked']);
    expect((await tenantOf(acme)).decommissioned_at).toBeInstanceOf(Date);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(2);
    await settleFor(1);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('records one event for each key and one for the end, by the service', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    const at = inMinutes(-1);
    await closeAt(acme, at);
    await decommission();
    await decommission();
    const [revoked, ...more] = await eventsOf(acme, 'api_key.revoked');
    expect([revoked, more.length]).toMatchObject([
      { actor_kind: 'system', actor_id: 'decommission', target_id: key.id, details: { reason: 'decommissioned' } },
      0,
    ]);
    expect(await eventsOf(acme, 'organization.decommissioned')).toMatchObject([
      { target_kind: 'organization', target_id: acme.id, details: { decommission_at: at.toISOString() } },
    ]);
  });

  test('goes on after a crash: 300 keys are revoked, recorded and deleted at WorkOS once', async () => {
    const acme = await service.organizations.add();
    const ids = await addKeys(service, acme.id, 300);
    await closeAt(acme, inMinutes(-1));
    await replica({ batches: 1 })();
    expect(await statuses(acme)).toEqual({ revoked: BATCH, active: 300 - BATCH });
    expect((await tenantOf(acme)).decommissioned_at).toBeNull();
    await Promise.all([decommission(), decommission()]);
    expect(await statuses(acme)).toEqual({ revoked: 300 });
    const recorded = (await eventsOf(acme, 'api_key.revoked')).map((event) => String(event['target_id']));
    expect(recorded.toSorted()).toEqual(ids.toSorted());
    await settleFor(1);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    for (const id of ids) expect(workosRequests(service, 'DELETE', `/api_keys/${id}`)).toBe(1);
  });

  test('spreads deletions at WorkOS over time, also for two organizations at once', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    for (const { id } of [acme, other]) await addKeys(service, id, 20);
    for (const organization of [acme, other]) await closeAt(organization, inMinutes(-1));
    const startedAt = clock().getTime();
    await Promise.all([replica()(), replica()()]);
    const due = await db('api_keys').whereIn('organization_id', [acme.id, other.id]).orderBy('due_at').pluck('due_at');
    const times = due.map((time: Date) => time.getTime());
    const gaps = times.slice(1).map((time: number, i: number) => time - times[i]!);
    expect([times.length, Math.min(...gaps), Math.max(...gaps)]).toEqual([40, 50, 50]);
    expect(times[0]).toBeGreaterThanOrEqual(startedAt);
    await settleFor(1);
  });

  test('stops and records it when billing withdraws it in the middle; revoked keys stay revoked', async () => {
    const acme = await service.organizations.add();
    await addKeys(service, acme.id, 300);
    const at = inMinutes(-1);
    await closeAt(acme, at);
    await replica({ batches: 1 })();
    await put(acme.id, { status: 'active' });
    await decommission();
    expect(await statuses(acme)).toEqual({ revoked: BATCH, active: 300 - BATCH });
    expect(await eventsOf(acme, 'organization.decommissioning_stopped')).toMatchObject([
      { actor_kind: 'service', details: { decommission_at: at.toISOString() } },
    ]);
    expect(await eventsOf(acme, 'organization.decommissioned')).toEqual([]);
    await put(acme.id, { status: 'active', key_limit: 1_000 });
    await createKey(service, await acme.session());
    await settleFor(1);
  });

  test.each([
    ['before its time', 10, null],
    ['to another time that has come', -1, -2],
  ])('nothing is recorded as stopped when it is taken back %s', async (_what, from, to) => {
    const acme = await service.organizations.add();
    await closeAt(acme, inMinutes(from));
    if (to === null) await put(acme.id, { status: 'active' });
    else await closeAt(acme, inMinutes(to));
    expect(await eventsOf(acme, 'organization.decommissioning_stopped')).toEqual([]);
    await decommission();
  });

  test('rolls back only the batch of an organization that fails, and delays no other', async () => {
    const [broken, well] = [await service.organizations.add(), await service.organizations.add()];
    for (const { id } of [broken, well]) await addKeys(service, id, 3);
    await closeAt(broken, inMinutes(-2));
    await closeAt(well, inMinutes(-1));
    await replica({ fail: broken.id })();
    expect([await statuses(broken), await statuses(well)]).toEqual([{ active: 3 }, { revoked: 3 }]);
    clock.advance(10_000);
    await decommission();
    expect(await statuses(broken)).toEqual({ revoked: 3 });
    await settleFor(1);
  });

  test('refuses a key that is being created at that time, and leaves nothing at WorkOS', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    stuck.stopAt('create.issued');
    const body = { label: 'late', permission_set: 'read_only' };
    const creating = call(service, 'POST', '/v1/api-keys', { token: owner, body });
    await expect.poll(() => stuck.standing()).toBe(1);
    await closeAt(acme, inMinutes(-1));
    await decommission();
    stuck.release('goOn');
    expect(outcome(await creating)).toEqual([503, 'workos_unavailable']);
    expect(await statuses(acme)).toEqual({ failed: 1 });
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('revokes a late key that WorkOS had by the end, and not one created there since', async () => {
    const acme = await service.organizations.add();
    const [used, unused] = [await makeDashboardKey(service, acme.id), await makeDashboardKey(service, acme.id)];
    await closeAt(acme, inMinutes(-1));
    await decommission();
    expect(await codeOf(used.value)).toBe('not_found');
    await background.runOnce('events');
    expect(await statuses(acme)).toEqual({ revoked: 2 });
    const recorded = await eventsOf(acme, 'api_key.revoked');
    expect(recorded.map(({ details }) => (details as { reason: string }).reason)).toEqual(
      Array(2).fill('decommissioned'),
    );
    await settleFor(1);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(await codeOf(unused.value)).toBe('not_found');
    const since = await makeDashboardKey(service, acme.id);
    expect(await codeOf(since.value)).toBe('valid');
  });

  test('waits as long as WorkOS asks', async () => {
    const acme = await service.organizations.add();
    await addKeys(service, acme.id, 5);
    await closeAt(acme, inMinutes(-1));
    await decommission();
    failAt(service, 'delete', { kind: 'status', status: 429, headers: { 'retry-after': '60' }, times: 1 });
    const asked = () => service.workos.requests().filter(({ method }) => method === 'DELETE').length;
    const before = asked();
    await settleFor(1);
    expect(asked() - before).toBeLessThanOrEqual(5);
    const during = asked();
    for (let i = 0; i < 5; i++) await settleFor(0.1);
    expect([asked() - during, (await keysAtWorkos(service, acme.id)).length > 0]).toEqual([0, true]);
    await settleFor(1);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('reports its lag and the number of revoked keys', async () => {
    const acme = await service.organizations.add();
    await addKeys(service, acme.id, 2);
    await closeAt(acme, inMinutes(-1));
    const metric = async (line: string) => {
      const page = await metricsOf(service);
      return Number(
        page
          .split('\n')
          .find((one) => one.startsWith(`${line} `))
          ?.split(' ')[1],
      );
    };
    const LAG = 'latchkey_lag_seconds{loop="decommission"}';
    const before = await metric('latchkey_decommissioned_keys_total');
    expect(await metric(LAG)).toBeGreaterThanOrEqual(60);
    await decommission();
    expect([await metric(LAG), (await metric('latchkey_decommissioned_keys_total')) - before]).toEqual([0, 2]);
  });
});
