import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer } from './harness.ts';
import { call, createKey, sdk, startDemo, validate } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const create = (userId: string, fields: object = {}): Promise<Answer> =>
  call(emulator, 'POST', `/user_management/users/${userId}/api_keys`, {
    body: { name: 'Mine', organization_id: 'org_acme', ...fields },
  });

const revokedKeys = async (): Promise<string[]> =>
  (await call(emulator, 'GET', '/events?events=api_key.revoked&organization_id=org_umbrella')).body.data.map(
    ({ data }: { data: { id: string } }) => data.id,
  );

describe('a key of a person', () => {
  it('is created for an active member and belongs to both', async () => {
    const { status, body } = await create('user_acme_member', { permissions: ['workspace:read'] });
    expect(status).toBe(201);
    expect(body.owner).toEqual({ type: 'user', id: 'user_acme_member', organization_id: 'org_acme' });
    expect(await validate(emulator, body.value)).toMatchObject({ id: body.id });
  });

  it('is not in the list of organization keys, nor they in its list', async () => {
    const own = (await create('user_acme_operator')).body;
    const shared = await createKey(emulator);
    const ofOrganization = (await call(emulator, 'GET', '/organizations/org_acme/api_keys?limit=100')).body.data;
    const ofUser = (await call(emulator, 'GET', '/user_management/users/user_acme_operator/api_keys')).body.data;
    expect(ofOrganization.map(({ id }: { id: string }) => id)).toContain(shared.id);
    expect(ofOrganization.map(({ id }: { id: string }) => id)).not.toContain(own.id);
    expect(ofUser.map(({ id }: { id: string }) => id)).toEqual([own.id]);
  });

  it('is listed by organization', async () => {
    const path = '/user_management/users/user_acme_operator/api_keys?organization_id=';
    expect((await call(emulator, 'GET', `${path}org_globex`)).body.data).toEqual([]);
    expect((await call(emulator, 'GET', `${path}org_acme`)).body.data).not.toEqual([]);
  });

  it('is refused with 422 for a person who is not an active member', async () => {
    expect(await create('user_globex_owner')).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining('membership') },
    });
  });

  it('is refused with 422 for a permission that is not allowed, with 400 for malformed fields', async () => {
    expect(await create('user_acme_member', { permissions: ['billing:write'] })).toMatchObject({ status: 422 });
    expect(await create('user_acme_member', { name: '' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'name' }] },
    });
  });

  it('needs a person and an organization that exist', async () => {
    expect(await create('user_nobody')).toMatchObject({
      status: 404,
      body: { message: "User not found: 'user_nobody'." },
    });
    expect(await create('user_acme_member', { organization_id: 'org_nowhere' })).toMatchObject({ status: 404 });
    expect(await call(emulator, 'GET', '/user_management/users/user_nobody/api_keys')).toMatchObject({ status: 404 });
  });

  it('is created and listed by the official SDK, with its expiry', async () => {
    const { userManagement } = sdk(emulator);
    const expiresAt = new Date(Date.now() + 60_000);
    const created = await userManagement.createUserApiKey('user_hooli_owner', {
      organizationId: 'org_hooli',
      name: 'SDK',
      permissions: [],
      expiresAt,
    });
    expect(new Date(created.expiresAt!)).toEqual(expiresAt);
    const listed = await userManagement.listUserApiKeys('user_hooli_owner');
    expect(listed.data.map(({ id }) => id)).toEqual([created.id]);
  });
});

describe('ending a membership', () => {
  const membershipPath = '/user_management/organization_memberships/om_umbrella_member';
  it('revokes the keys of the member there, by deactivation and by deletion, and keeps others', async () => {
    const shared = await createKey(emulator, {}, 'org_umbrella');
    const create = async () =>
      (
        await call(emulator, 'POST', '/user_management/users/user_umbrella_member/api_keys', {
          body: { name: 'x', organization_id: 'org_umbrella' },
        })
      ).body;
    const first = await create();
    expect(await call(emulator, 'PUT', `${membershipPath}/deactivate`)).toMatchObject({
      status: 200,
      body: { status: 'inactive' },
    });
    expect(await validate(emulator, first.value)).toBeNull();
    await sdk(emulator).userManagement.reactivateOrganizationMembership('om_umbrella_member');
    const second = await create();
    expect(await call(emulator, 'DELETE', membershipPath)).toMatchObject({ status: 200 });
    expect(await validate(emulator, second.value)).toBeNull();
    expect(await validate(emulator, shared.value)).not.toBeNull();
    expect(await revokedKeys()).toEqual([first.id, second.id]);
    expect(await call(emulator, 'DELETE', membershipPath)).toMatchObject({ status: 404 });
  });
});
