import { afterEach, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { atWorkos, deleteAtWorkos, expireAtWorkos, makeDashboardKey } from '../support/at-workos.ts';
import { metricsOf } from '../support/metrics.ts';
import { startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
let dieAt: string | undefined;
const service = await startService(
  { WORKOS_TIMEOUT_MS: '1500' },
  {
    at: (name) => {
      if (name === dieAt) throw new Error(`died at ${name}`);
    },
  },
);
const { db, workos } = service;

afterEach(() => {
  dieAt = undefined;
  workos.faults.clear();
  workos.deliverEvents({ delay_ms: 0, duplicate: false, reorder: false });
});

const poll = () => service.background.runOnce('events');
const place = () => db('event_cursors').where({ name: 'workos' }).first();
const statusesOf = (organizationId: string) =>
  db('api_keys').where({ organization_id: organizationId }).orderBy('created_at').pluck('status');
const listCalls = () => workos.requests().filter(({ path }) => path === '/events').length;
const metric = async (pattern: RegExp) => pattern.exec(await metricsOf(service))?.[1];

test('pollEvents mirrors keys that were created, changed and deleted at WorkOS', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const [kept, dated, gone] = [
    await makeDashboardKey(service, acme.id, { permissions: ['workspace:read', 'audit:read'] }),
    await makeDashboardKey(service, acme.id),
    await makeDashboardKey(service, acme.id),
  ];
  const mine = await createKey(service, owner);
  const end = new Date(Date.now() + DAY_MS);
  await expireAtWorkos(service, dated.id, end);
  await expireAtWorkos(service, mine.id, end);
  await deleteAtWorkos(service, gone.id);
  await poll();
  const { data } = (await call(service, 'GET', '/v1/api-keys', { token: owner })).body;
  const shown = Object.fromEntries(data.map(({ id, ...key }) => [id, key]));
  expect(shown[kept.id]).toMatchObject({ origin: 'workos', status: 'active', permission_set: 'read_only' });
  expect(shown[kept.id]).toMatchObject({ label: 'from the dashboard', created_by: { kind: 'workos', id: 'workos' } });
  expect(shown[dated.id]).toMatchObject({ expires_at: end.toISOString(), permission_set: null, scopes: [] });
  expect(shown[gone.id]).toMatchObject({ status: 'revoked' });
  expect(shown[mine.id]).toMatchObject({ origin: 'latchkey', expires_at: end.toISOString() });
  const audit = (await call(service, 'GET', `/v1/audit-events?target_id=${mine.id}`, { token: owner })).body.data;
  expect(audit.map(({ action, actor }) => [action, actor])).toEqual([
    ['api_key.expiry_changed', { kind: 'workos', id: 'local_workos', name: null }],
    ['api_key.created', { kind: 'user', id: acme.userId('owner'), name: null }],
  ]);
});

test('pollEvents stops a key that was deleted at WorkOS', async () => {
  const acme = await service.organizations.add();
  const key = await createKey(service, await acme.session());
  await deleteAtWorkos(service, key.id);
  await poll();
  expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(401);
});

test('pollEvents creates the tenant of a new organization, and closes that of a deleted one', async () => {
  const { id } = await atWorkos<{ id: string }>(service, 'POST', '/organizations', { name: 'New' });
  await poll();
  expect(await db('tenants').where({ organization_id: id }).first()).toMatchObject({
    name: 'New',
    billing_status: null,
  });
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  await atWorkos(service, 'DELETE', `/organizations/${acme.id}`);
  await poll();
  expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(401);
  const created = await call(service, 'POST', '/v1/api-keys', {
    token: owner,
    body: { label: 'x', permission_set: 'read_only' },
  });
  expect([created.status, created.body.error.details]).toEqual([423, { posture: 'decommissioning' }]);
  const shown = await call(service, 'GET', '/v1/organization', { token: owner });
  expect(shown.body).toMatchObject({ posture: 'decommissioning', billing_status: 'active', usage: { api_keys: 0 } });
  expect((await call(service, 'GET', '/v1/api-keys', { token: owner })).body.data).toMatchObject([
    { status: 'revoked' },
  ]);
  expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
});

test('pollEvents reads several pages, and the next poll goes on behind them', async () => {
  await poll();
  const acme = await service.organizations.add();
  for (let i = 0; i < 230; i++) await makeDashboardKey(service, acme.id);
  const before = listCalls();
  await poll();
  expect(listCalls() - before).toBe(3);
  expect(await statusesOf(acme.id)).toHaveLength(230);
  const { cursor } = await place();
  await poll();
  expect(await place()).toMatchObject({ cursor, leased_until: null });
});

test.each(['events.applied', 'events.saved'])(
  'pollEvents loses and repeats nothing after a crash at %s',
  async (point) => {
    await poll();
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    dieAt = point;
    await expect(poll()).rejects.toThrow('died at');
    dieAt = undefined;
    await deleteAtWorkos(service, key.id);
    await poll();
    expect(await statusesOf(acme.id)).toEqual(['revoked']);
    const actions = await db('audit_events').where({ organization_id: acme.id }).orderBy('sequence').pluck('action');
    expect(actions).toEqual(['api_key.created', 'api_key.revoked']);
  },
);

test('pollEvents runs on one replica at a time, and on another when the lease of a dead one ends', async () => {
  await poll();
  const acme = await service.organizations.add();
  await makeDashboardKey(service, acme.id);
  await db('event_cursors').update({ leased_until: new Date(Date.now() + 60_000) });
  // Whatever a replica takes the time to be: the lease is the server's.
  service.clock.advance(2 * 60_000);
  const before = listCalls();
  await poll();
  expect(listCalls()).toBe(before);
  await db('event_cursors').update({ leased_until: new Date(Date.now() - 1) });
  await Promise.all([poll(), poll(), poll()]);
  expect(await statusesOf(acme.id)).toEqual(['active']);
  expect(await place()).toMatchObject({ leased_until: null });
});

test('pollEvents releases the lease after a failure, and the next poll goes on', async () => {
  await poll();
  const acme = await service.organizations.add();
  await makeDashboardKey(service, acme.id);
  failAt(service, 'events', { kind: 'status', status: 403, times: 0 });
  const { cursor } = await place();
  await expect(poll()).rejects.toThrow(/WorkOS/);
  expect(await place()).toMatchObject({ cursor, leased_until: null });
  workos.faults.clear();
  await poll();
  expect(await statusesOf(acme.id)).toEqual(['active']);
});

test('pollEvents reads an event that becomes visible late', async () => {
  await poll();
  const acme = await service.organizations.add();
  workos.deliverEvents({ delay_ms: 60_000 });
  await makeDashboardKey(service, acme.id);
  workos.deliverEvents({ delay_ms: 0 });
  await makeDashboardKey(service, acme.id);
  await poll();
  expect(await statusesOf(acme.id)).toHaveLength(1);
  service.clock.advance(61_000);
  await poll();
  expect(await statusesOf(acme.id)).toHaveLength(2);
});

test('pollEvents reads on by time when WorkOS rejects the cursor', async () => {
  await poll();
  const acme = await service.organizations.add();
  await makeDashboardKey(service, acme.id);
  await db('event_cursors').update({ cursor: 'event_that_never_was' });
  await poll();
  expect(await statusesOf(acme.id)).toEqual(['active']);
  expect((await place()).cursor).not.toBe('event_that_never_was');
  expect(service.logs.some((line) => line.includes('WorkOS rejected the events cursor'))).toBe(true);
});

test('pollEvents reads what WorkOS still has after months, in ranges of 30 days, and logs the loss as an error', async () => {
  await poll();
  const acme = await service.organizations.add();
  await makeDashboardKey(service, acme.id);
  service.clock.advance(80 * DAY_MS);
  const eventAt = new Date(service.clock().getTime() - 95 * DAY_MS);
  await db('event_cursors').update({ cursor: 'event_that_never_was', event_at: eventAt });
  const before = listCalls();
  await poll();
  expect(await statusesOf(acme.id)).toEqual(['active']);
  expect(listCalls() - before).toBeGreaterThan(1);
  const lost = service.logs.map((line) => JSON.parse(line) as { level: string; msg: string });
  expect(lost.some(({ level, msg }) => level === 'error' && msg.includes('WorkOS events lost'))).toBe(true);
});

test('pollEvents logs an unreadable event as an error and applies those behind it', async () => {
  await poll();
  const acme = await service.organizations.add();
  await makeDashboardKey(service, acme.id);
  const bad = { object: 'event', id: 'event_bad', event: 'api_key.created', data: {}, created_at: 'never' };
  const body = { object: 'list', data: [bad], list_metadata: { after: null } };
  failAt(service, 'events', { kind: 'status', status: 200, body });
  await poll();
  expect(service.logs.some((line) => line.includes('event_bad') && line.includes('unreadable WorkOS event'))).toBe(
    true,
  );
  await poll();
  expect(await statusesOf(acme.id)).toEqual(['active']);
});

test('pollEvents counts events and reports the lag', async () => {
  await poll();
  const acme = await service.organizations.add();
  await makeDashboardKey(service, acme.id);
  await poll();
  const counted = /latchkey_workos_events_total\{type="api_key.created",source="poll",outcome="applied"\} (\d+)/;
  expect(Number(await metric(counted))).toBeGreaterThan(0);
  service.clock.advance(90_000);
  const lag = Number(await metric(/latchkey_lag_seconds\{loop="events"\} (\S+)/));
  expect(lag).toBeGreaterThan(89);
  expect(lag).toBeLessThan(120);
});
