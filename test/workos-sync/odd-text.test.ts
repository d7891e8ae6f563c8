import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKey } from '../support/api.ts';
import { deleteAtWorkos } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';

const service = await startService(
  {},
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
);
const { db, background } = service;
const poll = () => background.runOnce('events');

beforeEach(poll);
afterEach(async () => {
  await db('background_failures').delete();
  await db('unreadable_workos_events').delete();
});

/** What no column of text takes, and what is no letter. */
const ODD = 'odd\u0000\uD800\uFFFDtext';
const at = () => new Date().toISOString();

const aKey = (organizationId: string, changes: object) => ({
  id: `api_key_odd_${organizationId}`,
  owner: { type: 'organization', id: organizationId },
  name: 'a key',
  obfuscated_value: 'sk_...abcd',
  permissions: [],
  created_at: at(),
  updated_at: at(),
  ...changes,
});
const aMember = (organizationId: string, userId: string, changes: object) => ({
  user_id: userId,
  organization_id: organizationId,
  status: 'active',
  updated_at: at(),
  ...changes,
});

it.each<[string, (organizationId: string, userId: string) => { event: string; data: object; id?: string }]>([
  ['the name of a key', (id) => ({ event: 'api_key.created', data: aKey(id, { name: ODD }) })],
  ['what is shown of a key', (id) => ({ event: 'api_key.created', data: aKey(id, { obfuscated_value: ODD }) })],
  ['a permission', (id) => ({ event: 'api_key.created', data: aKey(id, { permissions: [ODD] }) })],
  [
    'a role of a member',
    (id, userId) => ({
      event: 'organization_membership.updated',
      data: aMember(id, userId, { role: { slug: ODD }, roles: [{ slug: ODD }, { slug: 'owner' }] }),
    }),
  ],
  ['a role', () => ({ event: 'role.updated', data: { slug: ODD, permissions: [ODD], updated_at: at() } })],
  ['the id of an event', (id) => ({ event: 'api_key.created', data: aKey(id, {}), id: ODD })],
  ['an event that cannot be read', (id) => ({ event: 'api_key.created', data: aKey(id, { id: ODD }), id: ODD })],
])('the events loop applies the events behind one with odd text in %s', async (_what, make) => {
  const acme = await service.organizations.add();
  const token = await acme.session();
  await createKey(service, token, { owner: 'user' });
  const key = await createKey(service, token);
  await poll();
  const event = { object: 'event', id: `event_${acme.name}`, created_at: at(), ...make(acme.id, acme.userId('owner')) };
  const body = { object: 'list', data: [event], list_metadata: { after: null } };
  failAt(service, 'events', { kind: 'status', status: 200, body });
  await deleteAtWorkos(service, key.id);
  await poll();
  await poll();
  const [row] = await db('api_keys').where({ workos_id: key.id });
  expect(row.status).toBe('revoked');
  const kept = await db('unreadable_workos_events').count('* as count').first();
  const aside = await db('background_failures').whereNotNull('payload').count('* as count').first();
  const applied = await db('api_keys').where({ workos_id: `api_key_odd_${acme.id}` });
  const isThere = event.event.startsWith('api_key') ? applied.length : 1;
  // It is applied, or kept until it can be.
  expect(Number(kept?.['count']) + Number(aside?.['count']) + isThere).toBeGreaterThan(0);
});
