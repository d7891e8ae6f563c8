import { afterEach, describe, expect, test } from 'vitest';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { makeItems } from '../../src/background/items.ts';
import { AppError } from '../../src/errors.ts';
import { makeUnsettledKeys } from '../../src/api-keys/rows/unsettled-keys.ts';
import { makeSettle } from '../../src/workos-sync/settle.ts';
import { WorkosFailure } from '../../src/workos/failure.ts';
import { pino } from 'pino';
import { call, createKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { plainItems } from '../support/plain-items.ts';
import { deadLettersOf, refuseFor } from '../support/poison.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const stuck = makeStuck();
const service = await startService(
  { LATCHKEY_NOTICES_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}` },
  {
    at: stuck.at,
    product: {
      sessions: { inactivity_minutes: 2 },
      webhooks: {
        endpoints: [{ name: 'crm', url: 'https://crm.example.com/', secret_env: 'LATCHKEY_NOTICES_SECRET' }],
      },
    },
  },
);
const { db, clock, background, workos } = service;
// What happened long ago is told to the endpoint, too.
await db('outbox_endpoints').insert({ name: 'crm', since: new Date(0) });
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

afterEach(() => {
  stuck.release('goOn');
  workos.faults.clear();
});

const refuse = (organizationId: string, table: string) => refuseFor(db, organizationId, table);
const deadOf = (loop: string) => deadLettersOf(background, loop);
const setAside = (loop: string) => db('background_failures').where({ loop }).orderBy('item');
const active = (id: string) => db('api_keys').where({ organization_id: id, status: 'active' }).pluck('id');
const pair = async () => [await service.organizations.add(), await service.organizations.add()] as const;

describe('an item that fails for good holds up no other:', () => {
  test('revoke_sessions, of which WorkOS refuses one with 422', async () => {
    const sessions = Array.from({ length: 11 }, (_, n) => `session_${String(n).padStart(2, '0')}`);
    const due = (n: number) => new Date(clock().getTime() - 60_000 + n);
    await db('user_sessions').insert(
      sessions.map((session_id, n) => ({
        session_id,
        user_id: 'user_a',
        last_active_at: clock(),
        ended_at: clock(),
        end_reason: 'signed_out',
        due_at: due(n),
      })),
    );
    workos.faults.add({ kind: 'status', status: 422, method: 'POST', path: '/user_management/sessions/revoke' });
    await background.runOnce('revoke_sessions');
    expect(
      await db('user_sessions').whereIn('session_id', sessions).whereNull('workos_revoked_at').pluck('session_id'),
    ).toEqual([sessions[0]]);
    expect(await setAside('revoke_sessions')).toMatchObject([{ item: sessions[0], attempts: 1 }]);
    clock.advance(10_000);
    await background.runOnce('revoke_sessions');
    expect(await setAside('revoke_sessions')).toEqual([]);
  });

  test('settle, of which WorkOS refuses one with 422 until it is a dead letter, and a command has it tried again', async () => {
    const [bad, good] = await pair();
    const keys = [await createKey(service, await bad.session()), await createKey(service, await good.session())];
    takeWorkosDown(service);
    for (const [n, at] of [bad, good].entries())
      await call(service, 'DELETE', `/v1/api-keys/${keys[n]!.id}`, { token: await at.session() });
    workos.faults.clear();
    workos.faults.add({ kind: 'status', status: 422, method: 'DELETE', path: `/api_keys/${keys[0]!.id}`, times: 0 });
    for (let step = 0; step < 8; step++) {
      clock.advance(61 * MINUTE_MS);
      await background.runOnce('settle');
    }
    expect(await keysAtWorkos(service, good.id)).toEqual([]);
    const { items } = { items: deadOf('settle') };
    const [letter] = await items.list({ organizationId: bad.id, limit: 10 });
    expect(letter).toMatchObject({ loop: 'settle', attempts: 8, lastFailure: expect.stringContaining('422') });
    expect([await items.count(), await items.list({ organizationId: good.id, limit: 10 })]).toEqual([1, []]);
    // It is not forgotten: the row still says that work is left, and a day later it is tried again.
    expect(await db('api_keys').where({ workos_id: keys[0]!.id }).first('due_at')).toMatchObject({
      due_at: expect.any(Date),
    });
    workos.faults.clear();
    await background.runOnce('settle');
    expect(await keysAtWorkos(service, bad.id)).toHaveLength(1);
    expect([await items.retry('nobody'), await items.retry(letter!.item)]).toEqual([false, true]);
    await background.runOnce('settle');
    expect([await keysAtWorkos(service, bad.id), await items.count()]).toEqual([[], 0]);
  });

  test('decommission', async () => {
    const [bad, good] = await pair();
    for (const each of [bad, good]) {
      await createKey(service, await each.session());
      const body = { status: 'decommissioning', decommission_at: new Date(clock().getTime() - 1_000).toISOString() };
      await call(service, 'PUT', `/v1/organizations/${each.id}/billing`, { token: SERVICE_TOKEN, body });
    }
    await refuse(bad.id, 'audit_events');
    await background.runOnce('decommission');
    expect([(await active(bad.id)).length, await active(good.id)]).toEqual([1, []]);
    expect(await setAside('decommission')).toMatchObject([{ item: bad.id }]);
  });

  test('sweep_sessions', async () => {
    const [bad, good] = await pair();
    const last_active_at = new Date(clock().getTime() - DAY_MS);
    const unused = [bad, good].map(({ id }) => ({
      session_id: `session_of_${id}`,
      user_id: 'user_b',
      organization_id: id,
      last_active_at,
    }));
    await db('user_sessions').insert(unused);
    await refuse(bad.id, 'audit_events');
    await background.runOnce('sweep_sessions');
    const open = db('user_sessions').whereNull('ended_at').whereIn('organization_id', [bad.id, good.id]);
    expect(await open.pluck('organization_id')).toEqual([bad.id]);
  });

  test('events, and the one that was set aside is applied from what is kept of it', async () => {
    const [bad, good] = await pair();
    await background.runOnce('events');
    const accept = await refuse(bad.id, 'api_keys');
    for (const { id } of [bad, good]) await makeDashboardKey(service, id);
    await background.runOnce('events');
    const mirrored = () => db('api_keys').whereIn('organization_id', [bad.id, good.id]).pluck('organization_id');
    expect(await mirrored()).toEqual([good.id]);
    await accept();
    clock.advance(10_000);
    await background.runOnce('events');
    expect(new Set(await mirrored())).toEqual(new Set([bad.id, good.id]));
    expect(await setAside('events')).toEqual([]);
  });

  test('tell_expiring, tell_postures and tell_unused', async () => {
    const [bad, good] = await pair();
    const end = new Date(clock().getTime() + 6 * DAY_MS).toISOString();
    for (const each of [bad, good]) {
      await createKey(service, await each.session(), { expires_at: end });
      await db('api_keys')
        .where({ organization_id: each.id })
        .update({ created_at: new Date(clock().getTime() - 100 * DAY_MS) });
    }
    await refuse(bad.id, 'outbox');
    for (const loop of ['tell_expiring', 'tell_unused']) {
      await background.runOnce(loop);
      expect((await setAside(loop)).map(({ organization_id: id }) => id)).toEqual([bad.id]);
    }
    await refuse(bad.id, 'notice_postures');
    await background.runOnce('tell_postures');
    const told = db('notice_postures').whereIn('organization_id', [bad.id, good.id]);
    expect(await told.pluck('organization_id')).toContain(good.id);
  });

  test('flush_usage and flush_sessions', async () => {
    const [bad, good] = await pair();
    await refuse(bad.id, 'usage_counts');
    await refuse(bad.id, 'user_sessions');
    for (const each of [bad, good]) {
      const token = await each.session();
      const { value: key } = await createKey(service, token);
      await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } });
    }
    await background.runOnce('flush_usage');
    expect(await db('usage_counts').distinct('organization_id').pluck('organization_id')).toEqual([good.id]);
    expect(await setAside('flush_usage')).toMatchObject([{ organization_id: bad.id, dead_at: expect.any(Date) }]);
    clock.advance(MINUTE_MS);
    await background.runOnce('flush_sessions');
    const written = db('user_sessions').whereIn('organization_id', [bad.id, good.id]);
    expect(new Set(await written.pluck('organization_id'))).toEqual(new Set([good.id]));
  });
});

const never = () => expect.unreachable();

describe('the settler keeps work that was added meanwhile', () => {
  test('deletes a key at WorkOS that is revoked between claim and completion', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    const row = () => db('api_keys').where({ workos_id: key.id });
    await row().update({ due_at: clock() });
    const turn = Promise.withResolvers<void>();
    const settle = makeSettle({
      unsettled: makeUnsettledKeys(db),
      // The key has no end of which WorkOS would have to be told.
      workosOf: () => ({
        heldMs: () => 0,
        deleteKey: never,
        expireKey: never,
        listOrganizationKeys: never,
        listUserKeys: never,
      }),
      environments: ['live'],
      marker: { rowOf: () => undefined },
      rateLimiter: { batchSize: (rows) => rows, turn: () => turn.promise },
      items: plainItems,
      settleAfterMs: 5_000,
      at: () => undefined,
      clock,
      log: pino({ level: 'silent' }),
    });
    const settling = settle({ only: { organizationId: acme.id, environment: 'live' } });
    await expect.poll(async () => (await row().first('attempts')).attempts, { interval: 5 }).toBe(1);
    takeWorkosDown(service);
    expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
    workos.faults.clear();
    turn.resolve();
    await settling;
    clock.advance(5 * MINUTE_MS);
    await background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('looks again for an orphan that is recorded while the list is read', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    await db('api_keys').where({ workos_id: key.id }).update({
      status: 'failed',
      workos_id: null,
      prefix: null,
      secret_hash: null,
      due_at: clock(),
    });
    workos.faults.add({ kind: 'status', status: 204, method: 'DELETE', path: `/api_keys/${key.id}` });
    stuck.stopAt('settle.orphan_deleted');
    const settling = background.runOnce('settle');
    await expect.poll(stuck.standing, { interval: 5 }).toBe(1);
    await db('api_keys').where({ organization_id: acme.id }).update({ due_at: clock(), attempts: 0 });
    stuck.release('goOn');
    await settling;
    await background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });
});

test('makes no item a dead letter in an outage', async () => {
  const log = pino({ level: 'silent' });
  const items = makeItems({ db, failures: makeMetrics().failures, clock, log }, 'trial');
  const outages = [
    new WorkosFailure('unavailable', { status: 503 }, { outcome: 'unknown' }),
    new WorkosFailure('rejected', { status: 401 }, { outcome: 'refused' }),
    Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }),
  ];
  for (const error of outages) {
    const options = { name: (id: string) => ({ id, organizationId: undefined }), work: () => Promise.reject(error) };
    await expect(items.each(['a'], options)).rejects.toBe(error);
    await items.each(['a'], { ...options, postpone: () => Promise.resolve() });
  }
  expect(await setAside('trial')).toEqual([]);
  const own = new AppError('validation_error', 'This is sk_live_abcdefghijklmnopqrstuvwxyz0123 and wrong.');
  const wrong = { name: (id: string) => ({ id, organizationId: 'org_a' }), work: () => Promise.reject(own) };
  await items.each(['b'], wrong);
  const [row] = await setAside('trial');
  expect(row).toMatchObject({ item: 'b', organization_id: 'org_a', attempts: 1, dead_at: null });
  expect(row.last_failure).not.toContain('abcdefghij');
});
