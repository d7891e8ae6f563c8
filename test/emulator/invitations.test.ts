import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer, Json } from './harness.ts';
import { authenticate, call, PASSWORD, sdk, startDemo, steppedClock } from './harness.ts';

const { clock, forward } = steppedClock();
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo({ clock });
});
afterAll(() => emulator.close());

const PATH = '/user_management/invitations';
const invite = (email: string, fields: object = {}) =>
  call(emulator, 'POST', PATH, { body: { email, organization_id: 'org_acme', role_slug: 'operator', ...fields } });
const act = (id: string, what: string) => call(emulator, 'POST', `${PATH}/${id}/${what}`);
const statesOf = async (id: string): Promise<string[]> => {
  const types = ['created', 'accepted', 'revoked', 'resent'].map((what) => `invitation.${what}`).join(',');
  const { body } = await call(emulator, 'GET', `/events?events=${types}&limit=100`);
  return body.data.filter(({ data }: Json) => data.id === id).map(({ event }: Json) => event);
};
const submitInvite = (token: string, fields: Record<string, string>): Promise<Answer> =>
  call(emulator, 'POST', '/invite', { key: null, form: { invitation_token: token, ...fields } });

it('is sent, found, resent and revoked through the official SDK', async () => {
  const { userManagement } = sdk(emulator);
  const made = await userManagement.sendInvitation({ email: 'a@new.test', organizationId: 'org_acme' });
  expect(made).toMatchObject({ state: 'pending', email: 'a@new.test' });
  expect(await userManagement.getInvitation(made.id)).toEqual(made);
  expect(await userManagement.findInvitationByToken(made.token)).toEqual(made);
  expect((await userManagement.listInvitations({ email: 'a@new.test' })).data).toEqual([made]);
  forward(1_000);
  expect((await userManagement.resendInvitation(made.id)).expiresAt > made.expiresAt).toBe(true);
  expect(await userManagement.revokeInvitation(made.id)).toMatchObject({ state: 'revoked' });
  expect((await act(made.id, 'accept')).body.code).toBe('invalid_invite');
  expect((await act(made.id, 'resend')).body.code).toBe('invite_revoked');
  expect((await act(made.id, 'revoke')).body.code).toBe('invite_not_pending');
  expect(await statesOf(made.id)).toEqual(['invitation.created', 'invitation.resent', 'invitation.revoked']);
});

it('makes a person with an account a member', async () => {
  const { body } = await invite('owner@hooli.test');
  expect((await act(body.id, 'accept')).body).toMatchObject({
    state: 'accepted',
    accepted_user_id: 'user_hooli_owner',
  });
  const memberships = await call(
    emulator,
    'GET',
    '/user_management/organization_memberships?user_id=user_hooli_owner&organization_id=org_acme',
  );
  expect(memberships.body.data).toMatchObject([{ role: { slug: 'operator' }, status: 'active' }]);
});

it('signs a person in to the organization when the token comes with the password', async () => {
  const { body: user } = await call(emulator, 'POST', '/user_management/users', {
    body: { email: 'b@new.test', password: PASSWORD, email_verified: true },
  });
  const { body } = await invite('b@new.test');
  const signIn = (email: string, token: string) =>
    authenticate(emulator, { grant_type: 'password', email, password: PASSWORD, invitation_token: token });
  expect((await signIn('owner@globex.test', body.token)).body.error).toBe('invitation_cannot_be_used_for_email');
  expect((await signIn('b@new.test', 'unknown')).body.error).toBe('invitation_invalid');
  expect(await signIn('b@new.test', body.token)).toMatchObject({
    status: 200,
    body: { organization_id: 'org_acme', user: { id: user.id } },
  });
});

it('leads a new person to a page that creates the account, verifies the address and makes them a member', async () => {
  const { body } = await invite('c@new.test');
  const { pathname, search } = new URL(body.accept_invitation_url);
  expect((await call(emulator, 'GET', `${pathname}${search}`, { key: null })).text).toContain('Sign up');
  const fields = { intent: 'sign-up', email: 'c@new.test', password: PASSWORD };
  expect((await submitInvite(body.token, { ...fields, password: 'short' })).status).toBe(401);
  const verify = await submitInvite(body.token, fields);
  const hidden = /name="pending_authentication_token" value="(?<token>\w+)"/.exec(verify.text)!.groups!['token']!;
  const code = /name="verification_code"[^>]*value="(?<code>\d+)"/.exec(verify.text)!.groups!['code']!;
  const done = await submitInvite(body.token, { pending_authentication_token: hidden, verification_code: code });
  expect([done.status, done.text]).toEqual([200, expect.stringContaining('Invitation accepted')]);
  const signedIn = await authenticate(emulator, { grant_type: 'password', email: 'c@new.test', password: PASSWORD });
  expect(signedIn.body).toMatchObject({ organization_id: 'org_acme' });
});

it('cannot be accepted by another person', async () => {
  const { body } = await invite('d@new.test');
  const answer = await submitInvite(body.token, { email: 'owner@acme.test', password: PASSWORD });
  expect([answer.status, answer.text]).toEqual([401, expect.stringContaining('another email address')]);
  expect((await call(emulator, 'GET', `${PATH}/${body.id}`)).body.state).toBe('pending');
});

it('expires', async () => {
  const { body } = await invite('e@new.test', { expires_in_days: 1 });
  forward(24 * 60 * 60 * 1000 + 1);
  expect((await call(emulator, 'GET', `${PATH}/${body.id}`)).body.state).toBe('expired');
  expect((await act(body.id, 'resend')).body.code).toBe('invite_expired');
});

it.each([
  [{ email: 'owner@acme.test' }, 400, 'user_already_organization_member'],
  [{ email: 'owner@acme.test', organization_id: undefined }, 400, 'user_already_exists'],
  [{ email: 'f@new.test', role_slug: 'nobody' }, 400, 'invalid_role'],
  [{ email: 'f@new.test', expires_in_days: 0 }, 400, 'expires_in_days_too_short'],
  [{ email: 'f@new.test', expires_in_days: 31 }, 400, 'expires_in_days_too_long'],
  [{ email: 'f@new.test', organization_id: 'org_nobody' }, 404, undefined],
  [{ email: 'nothing' }, 422, 'invalid_request_parameters'],
])('refuses %j with %i %s', async ({ email, ...fields }, status, code) => {
  const answer = await invite(email, fields);
  expect([answer.status, answer.body.code]).toEqual([status, code]);
});

it('is refused while an earlier one is open', async () => {
  await invite('g@new.test');
  expect((await invite('G@new.test')).body.code).toBe('email_already_invited_to_organization');
});
