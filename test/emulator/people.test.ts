import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Json } from './harness.ts';
import { authenticate, call, PASSWORD, sdk, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const USERS = '/user_management/users';
const MEMBERSHIPS = '/user_management/organization_memberships';
const create = (body: object) => call(emulator, 'POST', USERS, { body });
const eventsOf = async (type: string): Promise<Json[]> =>
  (await call(emulator, 'GET', `/events?events=${type}&limit=100`)).body.data;

describe('users', () => {
  it('are created, read, listed, changed and deleted through the official SDK', async () => {
    const { userManagement } = sdk(emulator);
    const made = await userManagement.createUser({
      email: 'new@acme.test',
      password: PASSWORD,
      firstName: 'New',
      emailVerified: true,
      externalId: 'crm-1',
      metadata: { team: 'a' },
    });
    expect(made).toMatchObject({ email: 'new@acme.test', emailVerified: true, externalId: 'crm-1' });
    expect(await userManagement.getUserByExternalId('crm-1')).toEqual(made);
    expect((await userManagement.listUsers({ email: 'NEW@acme.test' })).data).toEqual([made]);
    const changed = await userManagement.updateUser({ userId: made.id, lastName: 'Name', metadata: { level: '2' } });
    expect(changed).toMatchObject({ lastName: 'Name', metadata: { team: 'a', level: '2' } });
    await userManagement.deleteUser(made.id);
    await expect(userManagement.getUser(made.id)).rejects.toThrow(/not found/);
    for (const type of ['user.created', 'user.updated', 'user.deleted'])
      expect((await eventsOf(type)).map(({ data }) => data.id)).toContain(made.id);
  });

  it('sign in once their address is verified', async () => {
    const { body: user } = await create({ email: 'unverified@acme.test', password: PASSWORD });
    const refused = await authenticate(emulator, { grant_type: 'password', email: user.email, password: PASSWORD });
    expect(refused).toMatchObject({
      status: 403,
      body: {
        code: 'email_verification_required',
        email: user.email,
        pending_authentication_token: expect.any(String),
      },
    });
    const sent = await call(
      emulator,
      'GET',
      `/user_management/email_verification/${refused.body.email_verification_id}`,
    );
    const finish = (code: string) =>
      authenticate(emulator, {
        grant_type: 'urn:workos:oauth:grant-type:email-verification:code',
        code,
        pending_authentication_token: refused.body.pending_authentication_token,
      });
    expect(await finish('000000x')).toMatchObject({ status: 400, body: { code: 'invalid_one_time_code' } });
    expect(await finish(sent.body.code)).toMatchObject({ status: 200, body: { user: { email_verified: true } } });
    expect(await finish(sent.body.code)).toMatchObject({ status: 400 });
  });

  it('verify their address also without a sign-in', async () => {
    const { body: user } = await create({ email: 'later@acme.test' });
    await call(emulator, 'POST', `${USERS}/${user.id}/email_verification/send`);
    const [event] = (await eventsOf('email_verification.created')).slice(-1);
    expect(event.data).toMatchObject({ user_id: user.id });
    expect(event.data).not.toHaveProperty('code');
    const { body: sent } = await call(emulator, 'GET', `/user_management/email_verification/${event.data.id}`);
    const confirm = (code: string) =>
      call(emulator, 'POST', `${USERS}/${user.id}/email_verification/confirm`, { body: { code } });
    expect((await confirm('0')).status).toBe(400);
    expect((await confirm(sent.code)).body.user.email_verified).toBe(true);
  });

  it.each([
    [{ email: 'owner@acme.test' }, 400, 'user_creation_error'],
    [{ email: 'weak@acme.test', password: 'short' }, 400, 'password_strength_error'],
    [{ email: 'both@acme.test', password: PASSWORD, password_hash: 'x' }, 400, 'password_and_password_hash_provided'],
    [{ email: 'hash@acme.test', password_hash: 'x', password_hash_type: 'bcrypt' }, 400, 'invalid_password_hash'],
    [{ email: 'meta@acme.test', metadata: { k: 'x'.repeat(601) } }, 400, 'invalid_metadata'],
    [{ email: 'no address' }, 422, 'invalid_request_parameters'],
    [{ email: 'e@acme.test', external_id: 'ä' }, 422, 'invalid_request_parameters'],
  ])('refuses %j with %i %s', async (body, status, code) => {
    expect(await create(body)).toMatchObject({ status, body: { code } });
  });

  it('keep their address and external id unique', async () => {
    const { body: user } = await create({ email: 'mine@acme.test', external_id: 'crm-2' });
    const { body: other } = await create({ email: 'other@acme.test' });
    const change = (body: object) => call(emulator, 'PUT', `${USERS}/${other.id}`, { body });
    expect((await change({ email: user.email })).body.code).toBe('email_not_available');
    expect((await change({ external_id: 'crm-2' })).body.code).toBe('external_id_already_used');
    expect((await change({ email: 'moved@acme.test' })).body).toMatchObject({ email_verified: false });
    expect((await call(emulator, 'PUT', `${USERS}/user_nobody`, { body: {} })).status).toBe(404);
  });

  it('are listed by organization', async () => {
    const { body } = await call(emulator, 'GET', `${USERS}?organization_id=org_acme`);
    expect(body.data.map(({ id }: Json) => id).toSorted()).toEqual([
      'user_acme_member',
      'user_acme_operator',
      'user_acme_owner',
    ]);
  });
});

describe('memberships', () => {
  it('are created, read and ended through the official SDK, with an event each', async () => {
    emulator.behave({ organization_names: true });
    const { userManagement } = sdk(emulator);
    const made = await userManagement.createOrganizationMembership({
      userId: 'user_acme_owner',
      organizationId: 'org_globex',
      roleSlug: 'operator',
    });
    expect(made).toMatchObject({ status: 'active', role: { slug: 'operator' }, organizationName: 'Globex' });
    expect(await userManagement.getOrganizationMembership(made.id)).toEqual(made);
    await userManagement.deactivateOrganizationMembership(made.id);
    const again = await call(emulator, 'POST', MEMBERSHIPS, {
      body: { user_id: 'user_acme_owner', organization_id: 'org_globex' },
    });
    expect(again).toMatchObject({ status: 201, body: { id: made.id, status: 'active', role: { slug: 'member' } } });
    await userManagement.deleteOrganizationMembership(made.id);
    expect((await call(emulator, 'GET', `${MEMBERSHIPS}/${made.id}`)).status).toBe(404);
    const [event] = await eventsOf('organization_membership.created');
    expect(event.data).toMatchObject({ id: made.id, role: { slug: 'operator' } });
    expect(event.data).not.toHaveProperty('user');
  });

  it('have the default role if the request names none', async () => {
    const { body: user } = await create({ email: 'plain@acme.test' });
    const { body } = await call(emulator, 'POST', MEMBERSHIPS, {
      body: { user_id: user.id, organization_id: 'org_acme' },
    });
    expect(body.role).toEqual({ slug: 'member' });
  });

  it.each([
    [{ user_id: 'user_acme_owner', organization_id: 'org_acme' }, 422, 'invalid_request_parameters'],
    [{ user_id: 'user_hooli_owner', organization_id: 'org_acme', role_slug: 'x' }, 422, 'invalid_role'],
    [
      { user_id: 'user_hooli_owner', organization_id: 'org_acme', role_slugs: ['owner', 'member'] },
      422,
      'multiple_roles_not_enabled',
    ],
    [{ user_id: 'user_nobody', organization_id: 'org_acme' }, 404, undefined],
    [{ user_id: 'user_acme_owner', organization_id: 'org_nobody' }, 404, undefined],
  ])('are refused: %j is %i %s', async (body, status, code) => {
    const answer = await call(emulator, 'POST', MEMBERSHIPS, { body });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });
});
