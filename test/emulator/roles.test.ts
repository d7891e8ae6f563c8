import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

type Event = { event: string; data: Record<string, unknown> };
/** Past the contract, which has no such events. */
async function eventsOf(...types: string[]): Promise<Event[]> {
  const response = await fetch(`${emulator.url}/events?events=${types.join(',')}&limit=100`, {
    headers: { authorization: `Bearer ${emulator.apiKey}` },
  });
  return ((await response.json()) as { data: Event[] }).data;
}
const roleOf = (organizationId: string, slug: string) =>
  call(emulator, 'GET', `/authorization/organizations/${organizationId}/roles/${slug}`);

it('a role is read for an organization, and not for one that is not there', async () => {
  const { status, body } = await roleOf('org_acme', 'member');
  expect([status, body]).toMatchObject([200, { object: 'role', slug: 'member', type: 'EnvironmentRole' }]);
  expect(body.permissions).toContain('workspace:read');
  expect((await roleOf('org_acme', 'nobody')).status).toBe(404);
  expect((await roleOf('org_nobody', 'member')).status).toBe(404);
});

it('what a role grants is changed and told', async () => {
  const permissions = ['audit:read'];
  const path = '/authorization/roles/operator/permissions';
  const changed = await call(emulator, 'PUT', path, { body: { permissions } });
  expect([changed.status, changed.body.permissions]).toEqual([200, permissions]);
  expect((await roleOf('org_acme', 'operator')).body).toEqual(changed.body);
  const events = await eventsOf('role.updated');
  expect(events).toMatchObject([{ data: { slug: 'operator', permissions, updated_at: changed.body.updated_at } }]);
  expect((await call(emulator, 'PUT', path, { body: { permissions: 'all' } })).status).toBe(422);
});

it('a membership that changes or ends is told, with its keys', async () => {
  const path = '/user_management/organization_memberships/om_globex_member';
  const promoted = await call(emulator, 'PUT', path, { body: { role_slug: 'owner' } });
  expect(promoted.body.role).toEqual({ slug: 'owner' });
  await call(emulator, 'PUT', `${path}/deactivate`);
  await call(emulator, 'PUT', `${path}/reactivate`);
  await call(emulator, 'DELETE', path);
  const events = await eventsOf('organization_membership.updated', 'organization_membership.deleted');
  expect(events.map(({ event, data }) => [event.split('.')[1], data['status']])).toEqual([
    ['updated', 'active'],
    ['updated', 'inactive'],
    ['updated', 'active'],
    ['deleted', 'active'],
  ]);
});
