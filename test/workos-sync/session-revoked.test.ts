import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { atWorkos, signWebhook } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { PASSWORD, addPerson, login, logout, refresh, tokensOf } from '../sessions/sign-in/sign-in.ts';

const SECRET = 'a webhook secret of the tests';
const PATH = '/v1/hooks/workos';
const env = { WORKOS_WEBHOOK_SECRET: SECRET };
const service = await startService(env, { product: { sessions: { password_sign_in: true } } });
// The configuration that most have: people sign in to the product's own pages.
const plain = await startService(env);
const { db, workos } = service;

const OK = [200, undefined];
const OVER = [401, 'credential_expired'];
const sidOf = (token: string) => String(decodeJwt(token)['sid']);
const me = async (token: string, { url }: { url: string } = service) =>
  outcome(await call({ url }, 'GET', '/v1/permission-sets', { token }));
const sessionRow = (sessionId: string) => db('user_sessions').where({ session_id: sessionId }).first();
const revokeAtWorkos = (sessionId: string) =>
  atWorkos(service, 'POST', '/user_management/sessions/revoke', { session_id: sessionId });
const auditOf = (organizationId: string) =>
  db('audit_events')
    .where({ organization_id: organizationId })
    .orderBy('sequence')
    .select('action', 'actor_kind', 'actor_id', 'target_id', 'ip', 'details');

async function signedIn() {
  const { email, userId, organizations } = await addPerson(service);
  const tokens = tokensOf(await login(service, { email, password: PASSWORD }));
  return { ...tokens, userId, organizationId: organizations[0]!, sessionId: sidOf(tokens.access_token) };
}

function sessionRevoked(session: { id: string; organization_id?: string }, at = new Date()) {
  const data = { object: 'session', user_id: 'user_x', status: 'revoked', ended_at: at.toISOString(), ...session };
  const context = { actor: { id: 'user_admin', source: 'dashboard', name: null } };
  return { object: 'event', id: 'event_x', event: 'session.revoked', created_at: at.toISOString(), data, context };
}

async function send(event: object, { url }: { url: string } = service): Promise<unknown> {
  const text = JSON.stringify(event);
  const headers = { 'workos-signature': signWebhook(SECRET, text) };
  return (await call({ url }, 'POST', PATH, { body: text, headers })).body['outcome'];
}

test('session.revoked ends the session as soon as its webhook arrives', async () => {
  const other = await service.replica();
  const { access_token, userId, organizationId, sessionId, ...tokens } = await signedIn();
  expect([await me(access_token), await me(access_token, other)]).toEqual([OK, OK]);
  workos.seed({ webhookEndpoints: [{ url: `${service.url}${PATH}`, secret: SECRET }] });
  await revokeAtWorkos(sessionId);
  await expect.poll(() => me(access_token), { timeout: 5_000 }).toEqual(OVER);
  await expect.poll(() => me(access_token, other), { timeout: 5_000 }).toEqual(OVER);
  const answer = await call(service, 'GET', '/v1/me/session', { token: access_token });
  expect(answer.body.error.details).toEqual({ reason: 'revoked', credential: 'access_token' });
  expect(outcome(await refresh(service, { refresh_token: tokens.refresh_token }))[0]).toBe(401);
  expect((await auditOf(organizationId)).slice(1)).toEqual([
    {
      action: 'session.ended',
      actor_kind: 'workos',
      actor_id: 'local_workos',
      target_id: sessionId,
      ip: null,
      details: { user_id: userId, reason: 'revoked' },
    },
  ]);
  // There is nothing left to tell WorkOS.
  expect(await sessionRow(sessionId)).toMatchObject({ due_at: null, workos_revoked_at: expect.any(Date) });
});

test('session.revoked ends a cached session of an external sign-in', async () => {
  const acme = await plain.organizations.add();
  const token = await acme.session();
  expect(await me(token, plain)).toEqual(OK);
  expect(await send(sessionRevoked({ id: sidOf(token), organization_id: acme.id }), plain)).toBe('applied');
  expect(await me(token, plain)).toEqual(OVER);
});

test('session.revoked is polled when no webhook arrives', async () => {
  const { access_token, sessionId } = await signedIn();
  await revokeAtWorkos(sessionId);
  await service.background.runOnce('events');
  expect(await me(access_token)).toEqual(OVER);
});

test('session.revoked ends an unknown session once, also when it arrives twice and late', async () => {
  const acme = await service.organizations.add();
  const token = await acme.session('owner', { sid: `session_${randomUUID().replaceAll('-', '')}` });
  const event = sessionRevoked({ id: sidOf(token), organization_id: acme.id });
  const together = await Promise.all([send(event), send(event), send(event)]);
  expect(together.toSorted()).toEqual(['applied', 'unchanged', 'unchanged']);
  expect(await send(event)).toBe('unchanged');
  expect(await me(token)).toEqual(OVER);
  expect(await auditOf(acme.id)).toMatchObject([{ action: 'session.ended', actor_id: 'user_admin' }]);
});

test('session.revoked changes nothing for a session that was signed out here', async () => {
  const { access_token, organizationId, sessionId } = await signedIn();
  await logout(service, access_token);
  expect(await send(sessionRevoked({ id: sessionId, organization_id: organizationId }))).toBe('unchanged');
  expect(await sessionRow(sessionId)).toMatchObject({ end_reason: 'signed_out' });
  expect((await auditOf(organizationId)).map(({ action }) => action)).toEqual(['session.created', 'session.ended']);
});

test('session.revoked is applied without an organization id', async () => {
  const { access_token, organizationId, sessionId } = await signedIn();
  expect(await me(access_token)).toEqual(OK);
  expect(await send(sessionRevoked({ id: sessionId }))).toBe('applied');
  expect(await me(access_token)).toEqual(OVER);
  expect((await auditOf(organizationId)).at(-1)).toMatchObject({ action: 'session.ended', target_id: sessionId });
  const acme = await service.organizations.add();
  const token = await acme.session();
  expect(await me(token)).toEqual(OK);
  expect(await send(sessionRevoked({ id: sidOf(token) }))).toBe('applied');
  expect(await me(token)).toEqual(OVER);
  expect(await auditOf(acme.id)).toEqual([]);
});

test('session.revoked leaves other sessions of the person alone', async () => {
  const { email, organizations } = await addPerson(service);
  const [one, two] = [
    await login(service, { email, password: PASSWORD }),
    await login(service, { email, password: PASSWORD }),
  ];
  const [ended, going] = [tokensOf(one).access_token, tokensOf(two).access_token];
  await send(sessionRevoked({ id: sidOf(ended), organization_id: organizations[0]! }));
  expect([await me(ended), await me(going)]).toEqual([OVER, OK]);
});

test('ended sessions are deleted after their access tokens have expired', async () => {
  const at = new Date(service.clock().getTime() - 61 * 86_400_000);
  await send(sessionRevoked({ id: 'session_of_long_ago' }, at));
  expect(await sessionRow('session_of_long_ago')).toMatchObject({ ended_at: at });
  await service.background.runOnce('sweep_sessions');
  expect(await sessionRow('session_of_long_ago')).toBeUndefined();
});
