import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../src/workos/events/event.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos, signWebhook } from '../support/at-workos.ts';
import { metricsOf } from '../support/metrics.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';

const SECRET = 'a webhook secret of the tests';
const MINUTE_MS = 60_000;
const service = await startService(
  { WORKOS_WEBHOOK_SECRET: SECRET, WORKOS_BREAKER_FAILURES: '2' },
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
);
const { db, workos, clock, background } = service;

type Gone = { id: string; userId: string; keys: { id: string; value: string }[] };
type EventType = (typeof EVENT_TYPES)[number];

beforeEach(() => background.runOnce('events'));
afterEach(() => workos.faults.clear());

async function withKeys(): Promise<Gone> {
  const acme = await service.organizations.add();
  const token = await acme.session();
  const keys = [await createKey(service, token), await createKey(service, token, { owner: 'user' })];
  return { id: acme.id, userId: acme.userId('owner'), keys };
}

/** How an organization can be gone. */
const GONE: Record<string, () => Promise<Gone>> = {
  async 'deleted at WorkOS'() {
    const gone = await withKeys();
    await atWorkos(service, 'DELETE', `/organizations/${gone.id}`);
    await background.runOnce('events');
    return gone;
  },
  async 'decommissioned, and then deleted at WorkOS'() {
    const gone = await withKeys();
    const body = { status: 'decommissioning', decommission_at: clock().toISOString() };
    const path = `/v1/organizations/${gone.id}/billing`;
    expect((await call(service, 'PUT', path, { token: SERVICE_TOKEN, body })).status).toBe(200);
    clock.advance(MINUTE_MS);
    await background.runOnce('decommission');
    await atWorkos(service, 'DELETE', `/organizations/${gone.id}`);
    return gone;
  },
  async 'never heard of here'() {
    const { id, userId } = await service.organizations.add(null);
    await atWorkos(service, 'DELETE', `/organizations/${id}`);
    await background.runOnce('events');
    return { id, userId: userId('owner'), keys: [] };
  },
};

/** One event of each kind, as it may come late: of an hour ago, or of now. */
function lateEvents({ id: organizationId, userId, keys }: Gone, agoMs: number) {
  const at = new Date(clock().getTime() - agoMs).toISOString();
  const times = { created_at: at, updated_at: at };
  const key = (keyId: string, owner: object) => ({
    object: 'api_key',
    id: keyId,
    owner,
    name: 'made before the end',
    obfuscated_value: 'sk_...abcd',
    permissions: ['workspace:read'],
    expires_at: null,
    ...times,
  });
  const own = key(`api_key_late_${organizationId}`, { type: 'organization', id: organizationId });
  const personal = key(keys[1]?.id ?? `api_key_personal_${organizationId}`, {
    type: 'user',
    id: userId,
    organization_id: organizationId,
  });
  const organization = { object: 'organization', id: organizationId, name: 'Gone', ...times };
  const member = {
    user_id: userId,
    organization_id: organizationId,
    status: 'active',
    role: { slug: 'owner' },
    ...times,
  };
  const role = { slug: 'owner', permissions: ['workspace:read'], ...times };
  const session = { id: `session_${organizationId}`, user_id: userId, organization_id: organizationId, ...times };
  const dataOf: Record<EventType, object> = {
    'api_key.created': own,
    'api_key.updated': { ...own, expires_at: new Date(clock().getTime() + MINUTE_MS).toISOString() },
    'api_key.revoked': personal,
    'organization.created': organization,
    'organization.updated': { ...organization, name: 'Gone again' },
    'organization.deleted': organization,
    'organization_membership.created': member,
    'organization_membership.updated': member,
    'organization_membership.deleted': member,
    'role.updated': role,
    'role.deleted': { ...role, slug: 'operator' },
    'organization_role.updated': { ...role, organization_id: organizationId },
    'organization_role.deleted': { ...role, slug: 'operator', organization_id: organizationId },
    'user.deleted': { id: userId },
    'session.revoked': session,
  };
  return EVENT_TYPES.map((event, i) => ({
    object: 'event',
    id: `event_${i}_${agoMs}_${organizationId}`,
    event,
    created_at: at,
    data: dataOf[event],
  }));
}
type LateEvent = ReturnType<typeof lateEvents>[number];

const WAYS: Record<string, (events: LateEvent[]) => Promise<void>> = {
  async 'by webhook'(events) {
    for (const event of events) {
      const body = JSON.stringify(event);
      const headers = { 'workos-signature': signWebhook(SECRET, body), 'content-type': 'application/json' };
      const answer = await call(service, 'POST', '/v1/hooks/workos', { headers, body });
      expect([outcome(answer), event.event]).toEqual([[200, undefined], event.event]);
      expect(['applied', 'unchanged']).toContain(answer.body['outcome']);
    }
  },
  async 'by a page of events'(events) {
    const body = { object: 'list', data: events, list_metadata: { after: null } };
    failAt(service, 'events', { kind: 'status', status: 200, body });
    await background.runOnce('events');
    expect((await db('event_cursors').where({ name: 'workos' }).first()).cursor).toBe(events.at(-1)!.id);
    // Where it goes on at WorkOS.
    await db('event_cursors').where({ name: 'workos' }).update({ cursor: null, event_at: clock() });
  },
};

const outages = async () => {
  const metrics = await metricsOf(service);
  const lines = metrics.split('\n').filter((line) => /_count\{.*outcome="(unavailable|malformed)"/.test(line));
  const failed = metrics
    .split('\n')
    .filter((line) => /workos_events_total\{.*outcome="(failed|unreadable)"/.test(line));
  return [...lines, ...failed];
};

describe.each(Object.keys(GONE))('events of an organization that is %s', (how) => {
  describe.each(Object.keys(WAYS))('arriving late %s', (way) => {
    it.each([
      ['in their order', (events: LateEvent[]) => events],
      ['in the opposite order', (events: LateEvent[]) => events.toReversed()],
    ])('leave it closed without failures, %s', async (_order, ordered) => {
      const before = await outages();
      const gone = await GONE[how]!();
      await WAYS[way]!(ordered(lateEvents(gone, 60 * MINUTE_MS)));
      await WAYS[way]!(ordered(lateEvents(gone, 0)));
      clock.advance(MINUTE_MS);
      for (const loop of ['members', 'settle', 'events', 'unreadable_events']) await background.runOnce(loop);

      const rows = await db('api_keys').where({ organization_id: gone.id });
      expect(rows.map(({ workos_id: id }) => id)).toContain(`api_key_late_${gone.id}`);
      expect(rows.filter(({ status }) => status !== 'revoked')).toEqual([]);
      expect(rows.filter(({ due_at: due }) => due !== null)).toEqual([]);
      expect(await db('members').where({ organization_id: gone.id, active: true })).toEqual([]);
      expect(await db('tenants').where({ organization_id: gone.id }).first()).toMatchObject({
        deleted_at: expect.any(Date),
      });
      for (const { value } of gone.keys)
        expect((await call(service, 'GET', '/v1/me/session', { token: value })).status).toBe(401);

      expect(await db('unreadable_workos_events')).toEqual([]);
      expect(await db('background_failures')).toEqual([]);
      expect(await outages()).toEqual(before);
      // The circuit breaker would open after two outages.
      const other = await service.organizations.add();
      await createKey(service, await other.session());
    });
  });
});
