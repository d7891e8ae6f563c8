import { afterEach, describe, expect, it } from 'vitest';
import { makeUnreadableEventsParts } from '../../src/app/command-parts.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos, deleteAtWorkos, expireAtWorkos, makeDashboardKey, signWebhook } from '../support/at-workos.ts';
import { PROFILE } from '../support/local-workos.ts';
import { startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';

const SECRET = 'a webhook secret of the tests';
const MINUTE_MS = 60_000;
const service = await startService({ WORKOS_WEBHOOK_SECRET: SECRET });
const { db, workos } = service;
const poll = () => service.background.runOnce('events');
const retry = async () => {
  service.clock.advance(15 * MINUTE_MS);
  await service.background.runOnce('unreadable_events');
};
const kept = () => db('unreadable_workos_events').orderBy('received_at');
const statusesOf = (organizationId: string) =>
  db('api_keys').where({ organization_id: organizationId }).orderBy('created_at').pluck('status');
const works = async (value: string) => (await call(service, 'GET', '/v1/me/session', { token: value })).status === 200;

afterEach(async () => {
  workos.behave({ profile: PROFILE });
  workos.faults.clear();
  await db('unreadable_workos_events').delete();
  await poll();
});

describe('events with times without an offset', () => {
  it('are read as UTC', async () => {
    workos.behave({ timestamps: 'plain' });
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const [made, gone, dated] = [
      await makeDashboardKey(service, acme.id),
      await createKey(service, owner),
      await createKey(service, owner),
    ];
    const end = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 7 * 24 * 60 * MINUTE_MS);
    await expireAtWorkos(service, dated.id, end);
    await deleteAtWorkos(service, gone.id);
    await poll();
    const { data } = (await call(service, 'GET', '/v1/api-keys', { token: owner })).body;
    const shown = Object.fromEntries(data.map((key) => [String(key['id']), key]));
    expect(shown[made.id]).toMatchObject({ status: 'active', origin: 'workos' });
    expect(shown[gone.id]).toMatchObject({ status: 'revoked' });
    expect(shown[dated.id]).toMatchObject({ expires_at: end.toISOString() });
    expect(await works(gone.value)).toBe(false);
    expect(await kept()).toEqual([]);
  });
});

describe('an unreadable event', () => {
  it('is stored once before the cursor moves on, and applied as soon as it can be read', async () => {
    await poll();
    const acme = await service.organizations.add();
    workos.behave({ timestamps: 'words' });
    await makeDashboardKey(service, acme.id);
    await poll();
    workos.behave({ timestamps: 'iso' });
    await makeDashboardKey(service, acme.id);
    await poll();
    expect(await statusesOf(acme.id)).toEqual(['active']);
    const [event, ...others] = await kept();
    expect(others).toEqual([]);
    expect(event).toMatchObject({ environment: 'live', type: 'api_key.created', source: 'poll' });
    expect(event.reason).toContain('created_at');
    const now = new Date().toISOString();
    const readable = String(event.body).replaceAll(/"(created|updated)_at":"[^"]*"/g, `"$1_at":"${now}"`);
    await retry();
    expect(await statusesOf(acme.id)).toHaveLength(1);
    await db('unreadable_workos_events').update({ body: readable });
    await retry();
    expect(await statusesOf(acme.id)).toEqual(['active', 'active']);
    expect(await kept()).toEqual([]);
  });

  it('survives a crash before it is stored', async () => {
    await poll();
    const acme = await service.organizations.add();
    workos.behave({ timestamps: 'words' });
    await makeDashboardKey(service, acme.id);
    const { cursor } = await db('event_cursors').where({ name: 'workos' }).first();
    await db.raw('alter table unreadable_workos_events rename to elsewhere');
    await expect(poll()).rejects.toThrow(/unreadable_workos_events/);
    expect(await db('event_cursors').where({ name: 'workos' }).first()).toMatchObject({ cursor });
    await db.raw('alter table elsewhere rename to unreadable_workos_events');
    await poll();
    expect(await kept()).toHaveLength(1);
  });

  it('is counted, logged as an error, and listed in the readiness', async () => {
    await poll();
    const acme = await service.organizations.add();
    workos.behave({ timestamps: 'words' });
    await makeDashboardKey(service, acme.id);
    await poll();
    await service.background.runOnce('read_gauges');
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toContain('latchkey_workos_events_unreadable{state="kept"} 1');
    expect(metrics).toMatch(
      /latchkey_workos_events_total\{type="api_key.created",source="poll",outcome="unreadable"\} \d/,
    );
    const errors = service.logs.filter(
      (line) => line.includes('"level":"error"') && line.includes('unreadable WorkOS event'),
    );
    expect(errors.length).toBeGreaterThan(0);
    const other = await service.replica();
    const readiness = async () => (await fetch(`${other.url}/readyz`)).json();
    await expect.poll(readiness).toMatchObject({ status: 'ready', workos_events: 'degraded' });
  });

  it('is stored from a webhook, without the secret of a key', async () => {
    const data = { id: 'api_key_x', value: 'sk_live_secret_value' };
    const event = { id: 'event_hook', event: 'api_key.created', data, created_at: new Date().toISOString() };
    const body = JSON.stringify(event);
    const headers = { 'workos-signature': signWebhook(SECRET, body), 'content-type': 'application/json' };
    const send = () => call(service, 'POST', '/v1/hooks/workos', { headers, body });
    expect([outcome(await send()), (await send()).body]).toEqual([[200, undefined], { outcome: 'kept' }]);
    const rows = await kept();
    expect(rows).toMatchObject([{ event_id: 'event_hook', source: 'hook' }]);
    expect(JSON.stringify(rows)).not.toContain('secret_value');
  });

  it('is listed and retried by npm run workos:events', async () => {
    workos.behave({ timestamps: 'words' });
    await makeDashboardKey(service, (await service.organizations.add()).id);
    await poll();
    const parts = makeUnreadableEventsParts(service.parts);
    expect(await parts.unreadable.list(10)).toMatchObject([{ type: 'api_key.created', environment: 'live' }]);
    expect(await parts.retryUnreadable(0)).toEqual({ read: 0, left: 1 });
  });
});

describe('an event that ends access', () => {
  it('is applied although none of its times can be read', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    await poll();
    expect(await works(key.value)).toBe(true);
    workos.behave({ timestamps: 'words' });
    await deleteAtWorkos(service, key.id);
    await poll();
    expect(await works(key.value)).toBe(false);
    expect(await kept()).toEqual([]);
  });

  it.each(['organization', 'member'])('is applied for a deleted %s', async (what) => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    await poll();
    workos.behave({ timestamps: 'words' });
    if (what === 'organization') await atWorkos(service, 'DELETE', `/organizations/${acme.id}`);
    else await deleteAtWorkos(service, key.id);
    await poll();
    expect(await works(key.value)).toBe(false);
  });
});

describe('an event of a newer WorkOS', () => {
  it('is applied with unknown fields and kinds of owners', async () => {
    await poll();
    workos.behave({ unknown_fields: true, owner_kind: 'agent_registration' });
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const made = await makeDashboardKey(service, acme.id, { permissions: ['workspace:read'] });
    const mine = await createKey(service, owner);
    expect(await works(made.value)).toBe(true);
    await poll();
    expect(await statusesOf(acme.id)).toEqual(['active', 'active']);
    await deleteAtWorkos(service, mine.id);
    await poll();
    expect(await works(mine.value)).toBe(false);
    expect(await kept()).toEqual([]);
  });

  it('is stored when the owner names no organization', async () => {
    await poll();
    const owner = { type: 'planet', id: 'planet_x' };
    const now = new Date().toISOString();
    const data = {
      id: 'api_key_planet',
      owner,
      name: 'x',
      obfuscated_value: 'sk_...x',
      permissions: [],
      created_at: now,
      updated_at: now,
    };
    const event = { object: 'event', id: 'event_planet', event: 'api_key.created', data, created_at: now };
    const body = { object: 'list', data: [event, { event: 'moon.landed' }, 7], list_metadata: { after: null } };
    failAt(service, 'events', { kind: 'status', status: 200, body });
    await poll();
    expect(await kept()).toMatchObject([{ event_id: 'event_planet' }]);
  });
});

describe('a cursor of pollEvents', () => {
  it.each([
    ['repeats', ['event_a', 'event_a']],
    ['goes in a circle', ['event_a', 'event_b', 'event_a', 'event_b']],
  ])('that %s ends the poll, and is no outage', async (_what, cursors) => {
    await poll();
    const before = workos.requests().length;
    for (const after of cursors) {
      const body = { object: 'list', data: [], list_metadata: { after } };
      failAt(service, 'events', { kind: 'status', status: 200, body, times: after === cursors.at(-1) ? 100 : 1 });
    }
    await expect(poll()).rejects.toThrow(/cannot be read|cursors of WorkOS events repeat/);
    expect(workos.requests().length - before).toBeLessThan(10);
    workos.faults.clear();
    await db('event_cursors').where({ name: 'workos' }).update({ cursor: null });
    await poll();
  });
});

describe('rereadEvents', () => {
  it('applies events that appeared behind the cursor, on one replica', async () => {
    await poll();
    await service.background.runOnce('late_events');
    service.clock.advance(5 * MINUTE_MS);
    workos.behave({ late_event_every: 2, late_event_ms: MINUTE_MS });
    const acme = await service.organizations.add();
    for (let i = 0; i < 4; i++) await makeDashboardKey(service, acme.id);
    await poll();
    const early = await statusesOf(acme.id);
    expect(early.length).toBeLessThan(4);
    service.clock.advance(MINUTE_MS);
    await poll();
    expect(await statusesOf(acme.id)).toHaveLength(early.length);
    await service.background.runOnce('late_events');
    expect(await statusesOf(acme.id)).toHaveLength(4);
    const before = workos.requests().length;
    await service.background.runOnce('late_events');
    expect(workos.requests().length).toBe(before);
    workos.behave({ late_event_every: 0 });
  });
});
