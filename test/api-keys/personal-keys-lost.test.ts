import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos, signWebhook } from '../support/at-workos.ts';
import type { Organization } from '../support/organizations.ts';
import { SERVICE_TOKEN, emptySeed, startService } from '../support/service.ts';
import { userKeysAtWorkos } from '../support/workos-keys.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';

const SECRET = 'a webhook secret of the tests';
// Who changes what a role grants has one alone: it is the same in all organizations.
const ROLES = ['reader', 'shrinking', 'shrunk_away', 'promoted', 'doubled', 'watcher'];
const HELD = ['apikeys:write:own', 'workspace:read', 'audit:read'];
const service = await startService(
  { WORKOS_WEBHOOK_SECRET: SECRET },
  {
    product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } },
    seed: { ...emptySeed, roles: [...emptySeed.roles!, ...ROLES.map((slug) => ({ slug, permissions: HELD }))] },
  },
);
const { db, workos, background } = service;

afterEach(() => workos.faults.clear());

const at = (seconds: number) => new Date(service.clock().getTime() + seconds * 1_000).toISOString();

type Scopes = { code: unknown; scopes: unknown };

async function verify(key: string): Promise<Scopes> {
  const { body } = await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } });
  return { code: body['code'], scopes: body['scopes'] };
}
const ALL = { code: 'valid', scopes: ['workspace:read', 'audit:read'] };
const NOTHING = { code: 'valid', scopes: [] };
const REVOKED = expect.objectContaining({ code: 'revoked' }) as Scopes;

const membershipOf = async (acme: Organization, role: 'member' | 'owner' = 'member') => {
  const path = `/user_management/organization_memberships?user_id=${acme.userId(role)}&organization_id=${acme.id}`;
  const { data } = await atWorkos<{ data: object[] }>(service, 'GET', path);
  return data[0] as { id: string; updated_at: string; role: { slug: string } };
};
const setRole = async (acme: Organization, role: string) =>
  atWorkos(service, 'PUT', `/user_management/organization_memberships/${(await membershipOf(acme)).id}`, {
    role_slug: role,
  });
const setPermissions = (role: string, permissions: string[]) =>
  atWorkos(service, 'PUT', `/authorization/roles/${role}/permissions`, { permissions });

/** An organization whose member has this role and a personal key that is in memory. */
async function makeOwner(role = 'reader') {
  const acme = await service.organizations.add();
  await setRole(acme, role);
  const token = await acme.session('member', { role, permissions: HELD });
  const make = () => createKey(service, token, { owner: 'user' });
  const key = await make();
  await background.runOnce('members');
  expect(await verify(key.value)).toEqual(ALL);
  const userId = acme.userId('member');
  return { acme, token, key, make, userId };
}

/** Sends the service a webhook of WorkOS. @returns its outcome */
async function deliver(event: string, data: object, createdAt = service.clock().toISOString()): Promise<unknown> {
  const text = JSON.stringify({ object: 'event', id: 'event_x', event, data, created_at: createdAt });
  const headers = { 'workos-signature': signWebhook(SECRET, text, Date.now()) };
  const answer = await call(service, 'POST', '/v1/hooks/workos', { body: text, headers });
  expect(outcome(answer)).toEqual([200, undefined]);
  return answer.body['outcome'];
}

const auditOf = (organizationId: string) =>
  db('audit_events').where({ organization_id: organizationId, action: 'api_key.revoked' }).orderBy('sequence');

describe('personal keys', () => {
  test('stop in that organization with the answer to the webhook that ends the membership', async () => {
    const { acme, key, make, userId } = await makeOwner();
    const second = await make();
    const [theirs, shared] = [
      await createKey(service, await acme.session(), { owner: 'user' }),
      await createKey(service, await acme.session()),
    ];
    const membership = await membershipOf(acme);
    expect(await deliver('organization_membership.deleted', membership)).toBe('applied');
    expect(await verify(key.value)).toEqual(REVOKED);
    expect(await verify(second.value)).toEqual(REVOKED);
    expect(await verify(theirs.value)).toMatchObject({ code: 'valid' });
    expect(await verify(shared.value)).toMatchObject({ code: 'valid' });
    const events = await auditOf(acme.id);
    expect(new Set(events.map(({ target_id: id }) => id))).toEqual(new Set([key.id, second.id]));
    expect(events[0]).toMatchObject({ actor_kind: 'workos', details: { reason: 'membership_ended', owner: userId } });
    expect(await deliver('organization_membership.deleted', membership)).toBe('unchanged');
    await background.runOnce('settle');
    expect(await userKeysAtWorkos(service, userId)).toEqual([]);
    const rows = await db('api_keys').where({ organization_id: acme.id, owner_user_id: userId });
    expect(rows.every((row) => row.workos_deleted_at !== null)).toBe(true);
  });

  test('stop when the poller finds the membership ended or inactive', async () => {
    const [gone, inactive] = [await makeOwner(), await makeOwner()];
    await background.runOnce('events');
    await atWorkos(
      service,
      'DELETE',
      `/user_management/organization_memberships/${(await membershipOf(gone.acme)).id}`,
    );
    const { id } = await membershipOf(inactive.acme);
    await atWorkos(service, 'PUT', `/user_management/organization_memberships/${id}/deactivate`);
    await background.runOnce('events');
    for (const { key, acme, token } of [gone, inactive]) {
      expect(await verify(key.value)).toEqual(REVOKED);
      expect(await db('members').where({ organization_id: acme.id }).first()).toMatchObject({
        active: false,
        permissions: null,
      });
      // A session from before is good for some minutes more, and makes no key.
      const body = { label: 'x', permission_set: 'read_only', owner: 'user' };
      const answer = await call(service, 'POST', '/v1/api-keys', { token, body });
      expect(outcome(answer)).toEqual([403, 'permission_denied']);
    }
  });

  test('stop everywhere when the person is deleted', async () => {
    const { acme, key, userId } = await makeOwner();
    const other = await service.organizations.add();
    workos.seed({ memberships: [{ userId, organizationId: other.id, role: 'reader' }] });
    const session = await other.session('member', { sub: userId, role: 'reader', permissions: HELD });
    const elsewhere = await createKey(service, session, { owner: 'user' });
    expect(await deliver('user.deleted', { object: 'user', id: userId, email: 'gone@acme.test' })).toBe('applied');
    expect([await verify(key.value), await verify(elsewhere.value)]).toEqual([REVOKED, REVOKED]);
    for (const organizationId of [acme.id, other.id])
      expect(await auditOf(organizationId)).toMatchObject([{ details: { reason: 'user_deleted' } }]);
  });

  test('stop when the poller finds the person deleted at WorkOS', async () => {
    const { key, userId } = await makeOwner();
    await background.runOnce('events');
    await atWorkos(service, 'DELETE', `/user_management/users/${userId}`);
    await background.runOnce('events');
    expect(await verify(key.value)).toEqual(REVOKED);
  });

  test('lose a scope with the role and regain it with the role', async () => {
    const { key } = await makeOwner('shrinking');
    await background.runOnce('events');
    await setPermissions('shrinking', ['workspace:read']);
    await background.runOnce('events');
    expect(await verify(key.value)).toEqual({ code: 'valid', scopes: ['workspace:read'] });
    service.clock.advance(5);
    await setPermissions('shrinking', HELD);
    await background.runOnce('events');
    expect(await verify(key.value)).toEqual(ALL);
  });

  test('regain no scope by a late or repeated event', async () => {
    const { key } = await makeOwner('shrunk_away');
    const role = (permissions: string[], updatedAt: string) =>
      deliver('role.updated', { object: 'role', slug: 'shrunk_away', permissions, updated_at: updatedAt });
    const [first, second] = [at(10), at(20)];
    expect(await role(['workspace:read'], second)).toBe('applied');
    expect(await role(HELD, first)).toBe('unchanged');
    expect(await role(['workspace:read'], second)).toBe('unchanged');
    expect(await verify(key.value)).toEqual({ code: 'valid', scopes: ['workspace:read'] });
    // Nor does one without permissions, which leaves them unknown.
    await deliver('role.updated', { object: 'role', slug: 'shrunk_away', updated_at: at(30) });
    expect(await verify(key.value)).toEqual(NOTHING);
  });

  test('have a new role read from WorkOS at once', async () => {
    const { acme, key } = await makeOwner('reader');
    await setPermissions('promoted', ['audit:read']);
    await setRole(acme, 'promoted');
    expect(await deliver('organization_membership.updated', await membershipOf(acme))).toBe('applied');
    expect(await verify(key.value)).toEqual({ code: 'valid', scopes: ['audit:read'] });
    expect(await deliver('organization_membership.updated', await membershipOf(acme))).toBe('unchanged');
  });

  test('grant nothing of a changed role until WorkOS can be asked', async () => {
    const { acme, key } = await makeOwner('reader');
    await setRole(acme, 'watcher');
    const membership = await membershipOf(acme);
    takeWorkosDown(service);
    expect(await deliver('organization_membership.updated', membership)).toBe('applied');
    expect(await verify(key.value)).toEqual(NOTHING);
    const asked = { key: key.value, scopes: ['workspace:read'] };
    const { body } = await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: asked });
    expect(body['code']).toBe('insufficient_scope');
    service.clock.advance(60_000);
    await background.runOnce('members');
    expect(await verify(key.value)).toEqual(NOTHING);
    workos.faults.clear();
    service.clock.advance(60_000);
    await background.runOnce('members');
    expect(await verify(key.value)).toEqual(ALL);
  });

  test('have both roles of a person read from WorkOS', async () => {
    const { acme, key } = await makeOwner('reader');
    await db('members')
      .where({ organization_id: acme.id })
      .update({ roles: ['reader', 'doubled'] });
    const updated = { object: 'role', slug: 'doubled', permissions: [], updated_at: service.clock() };
    expect(await deliver('role.updated', updated)).toBe('applied');
    expect(await verify(key.value)).toEqual(NOTHING);
    await background.runOnce('members');
    expect(await verify(key.value)).toEqual(ALL);
  });

  test('keep newer permissions when an older session is used', async () => {
    const { acme, key } = await makeOwner('reader');
    const old = await acme.session('member', {
      permissions: [...HELD, 'workspace:write'],
      iat: Math.floor(service.clock().getTime() / 1_000) - 200,
    });
    await createKey(service, old, { owner: 'user' });
    const { permissions } = await db('members').where({ organization_id: acme.id }).first();
    expect(permissions).not.toContain('workspace:write');
    expect(await verify(key.value)).toEqual(ALL);
  });

  test("follow a session's permissions only until WorkOS is asked", async () => {
    const acme = await service.organizations.add();
    const token = await acme.session('member', { permissions: HELD });
    const key = await createKey(service, token, { owner: 'user' });
    expect(await verify(key.value)).toEqual(ALL);
    // The role of members at WorkOS does not have audit:read.
    await background.runOnce('members');
    expect(await verify(key.value)).toEqual({ code: 'valid', scopes: ['workspace:read'] });
  });

  test('keep working when a late event ends a membership that has begun again', async () => {
    const { acme, key } = await makeOwner();
    const before = new Date(service.clock().getTime() - 3_600_000).toISOString();
    expect(await deliver('organization_membership.deleted', await membershipOf(acme), before)).toBe('unchanged');
    expect(await verify(key.value)).toEqual(ALL);
    await background.runOnce('members');
    expect(await verify(key.value)).toEqual(ALL);
  });

  test('that a person creates at WorkOS belong to that person and end with the membership', async () => {
    const acme = await service.organizations.add();
    await setRole(acme, 'reader');
    const userId = acme.userId('member');
    const path = `/user_management/users/${userId}/api_keys`;
    const wanted = { name: 'from elsewhere', organization_id: acme.id, permissions: ['workspace:read', 'caps:write'] };
    const made = await atWorkos<{ id: string; value: string }>(service, 'POST', path, wanted);
    // Its first use comes before its event.
    expect(await verify(made.value)).toEqual({ code: 'valid', scopes: ['workspace:read'] });
    await background.runOnce('events');
    const row = await db('api_keys').where({ workos_id: made.id }).first();
    expect(row).toMatchObject({ owner_user_id: userId, origin: 'workos', status: 'active' });
    await deliver('organization_membership.deleted', await membershipOf(acme));
    expect(await verify(made.value)).toEqual(REVOKED);
  });

  test('open nothing when their event comes after the end of the membership', async () => {
    const { acme, userId } = await makeOwner();
    const made = await atWorkos<{ id: string; value: string }>(
      service,
      'POST',
      `/user_management/users/${userId}/api_keys`,
      {
        name: 'late',
        organization_id: acme.id,
      },
    );
    service.clock.advance(10);
    await deliver('organization_membership.deleted', await membershipOf(acme));
    await background.runOnce('events');
    expect(await verify(made.value)).toMatchObject({ code: 'not_found' });
    expect(await db('api_keys').where({ workos_id: made.id }).first()).toMatchObject({ status: 'revoked' });
  });

  test('do not become active when the membership ends during their provisioning', async () => {
    const { acme, token, userId } = await makeOwner();
    const membership = await membershipOf(acme);
    const path = '/user_management/users/:id/api_keys';
    workos.faults.add({ kind: 'latency', ms: 300, method: 'POST', path });
    const body = { label: 'late', permission_set: 'read_only', owner: 'user' };
    const making = call(service, 'POST', '/v1/api-keys', { token, body });
    const waiting = () => db('api_keys').where({ organization_id: acme.id, status: 'provisioning' });
    await expect.poll(waiting).toHaveLength(1);
    await deliver('organization_membership.deleted', membership);
    expect(outcome(await making)).toEqual([503, 'workos_unavailable']);
    await background.runOnce('settle');
    expect(await userKeysAtWorkos(service, userId)).toEqual([]);
    expect(await db('api_keys').where({ organization_id: acme.id, status: 'active' })).toEqual([]);
  });
});
