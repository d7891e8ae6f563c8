import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { decodeJwt } from 'jose';
import { readLeniently } from './contract.ts';
import { call, signIn, startDemo } from './harness.ts';

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
  return (JSON.parse(readLeniently(await response.text())) as { data: Event[] }).data;
}
const roleOf = (organizationId: string, slug: string) =>
  call(emulator, 'GET', `/authorization/organizations/${organizationId}/roles/${slug}`);

it('returns the roles of an organization, and 404 for an unknown one', async () => {
  const { status, body } = await roleOf('org_acme', 'member');
  expect([status, body]).toMatchObject([200, { object: 'role', slug: 'member', type: 'EnvironmentRole' }]);
  expect(body.permissions).toContain('workspace:read');
  expect((await roleOf('org_acme', 'nobody')).status).toBe(404);
  expect((await roleOf('org_nobody', 'member')).status).toBe(404);
});

it('emits an event when the permissions of a role change', async () => {
  const permissions = ['audit:read'];
  const path = '/authorization/roles/operator/permissions';
  const changed = await call(emulator, 'PUT', path, { body: { permissions } });
  expect([changed.status, changed.body.permissions]).toEqual([200, permissions]);
  expect((await roleOf('org_acme', 'operator')).body).toEqual(changed.body);
  const events = await eventsOf('role.updated');
  expect(events).toMatchObject([{ data: { slug: 'operator', permissions, updated_at: changed.body.updated_at } }]);
  expect((await call(emulator, 'PUT', path, { body: { permissions: 'all' } })).status).toBe(422);
});

it('emits events when a membership changes or ends, also for its keys', async () => {
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

it('creates, renames and lists a role of the environment, and sets its permissions', async () => {
  const path = '/authorization/roles';
  const made = await call(emulator, 'POST', path, { body: { slug: 'auditor', name: 'Auditor' } });
  expect([made.status, made.body]).toMatchObject([201, { slug: 'auditor', permissions: [], type: 'EnvironmentRole' }]);
  expect((await call(emulator, 'POST', path, { body: { slug: 'auditor', name: 'x' } })).body.code).toBe(
    'role_slug_conflict',
  );
  const add = (slug: string) => call(emulator, 'POST', `${path}/auditor/permissions`, { body: { slug } });
  expect((await add('audit:read')).body.permissions).toEqual(['audit:read']);
  expect((await add('no:such')).status).toBe(404);
  const renamed = await call(emulator, 'PATCH', `${path}/auditor`, { body: { name: 'Reviewer', description: null } });
  expect(renamed.body).toMatchObject({ name: 'Reviewer', permissions: ['audit:read'] });
  expect((await call(emulator, 'GET', `${path}/auditor`)).body).toEqual(renamed.body);
  expect((await call(emulator, 'GET', path)).body.data).toContainEqual(renamed.body);
  expect(await eventsOf('role.created')).toMatchObject([{ data: { slug: 'auditor' } }]);
});

it('limits a role to its organization, and puts its permissions into the tokens of members', async () => {
  const path = '/authorization/organizations/org_initech/roles';
  const made = await call(emulator, 'POST', path, { body: { name: 'Key Keeper' } });
  expect([made.status, made.body]).toMatchObject([201, { slug: 'org-key-keeper', type: 'OrganizationRole' }]);
  const one = `${path}/org-key-keeper`;
  const permissions = ['apikeys:read', 'audit:read'];
  await call(emulator, 'PUT', `${one}/permissions`, { body: { permissions } });
  await call(emulator, 'DELETE', `${one}/permissions/audit:read`);
  const membership = '/user_management/organization_memberships/om_initech_member';
  await call(emulator, 'PUT', membership, { body: { role_slug: 'org-key-keeper' } });
  const { access_token: token } = await signIn(emulator, 'member@initech.test');
  expect(decodeJwt(token)).toMatchObject({ role: 'org-key-keeper', permissions: ['apikeys:read'] });
  expect((await roleOf('org_acme', 'org-key-keeper')).status).toBe(404);
  expect((await call(emulator, 'DELETE', one)).body.code).toBe('role_has_assignments');
  await call(emulator, 'PUT', membership, { body: { role_slug: 'member' } });
  expect((await call(emulator, 'DELETE', one)).status).toBe(204);
  expect((await call(emulator, 'DELETE', `${path}/member`)).status).toBe(403);
  const events = await eventsOf('organization_role.created', 'organization_role.updated', 'organization_role.deleted');
  expect(events.map(({ event }) => event.split('.')[1])).toEqual(['created', 'updated', 'updated', 'deleted']);
});

it('changes and deletes a permission, also from roles', async () => {
  const path = '/authorization/permissions';
  await call(emulator, 'POST', path, { body: { slug: 'reports:read', name: 'Read reports' } });
  await call(emulator, 'POST', '/authorization/roles/member/permissions', { body: { slug: 'reports:read' } });
  const changed = await call(emulator, 'PATCH', `${path}/reports:read`, { body: { name: 'See reports' } });
  expect((await call(emulator, 'GET', `${path}/reports:read`)).body).toEqual(changed.body);
  expect((await roleOf('org_acme', 'member')).body.permissions).toContain('reports:read');
  expect((await call(emulator, 'DELETE', `${path}/reports:read`)).status).toBe(204);
  expect((await roleOf('org_acme', 'member')).body.permissions).not.toContain('reports:read');
  expect((await call(emulator, 'DELETE', `${path}/reports:read`)).status).toBe(404);
});
