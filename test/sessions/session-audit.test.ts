import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { makeTestAudit, someSecret } from '../support/audit.ts';
import { listenToInvalidations } from '../support/event-stream.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { PASSWORD, addPerson, login, logout, refresh, tokensOf } from './sign-in/sign-in.ts';
import type { Tokens } from './sign-in/sign-in.ts';

const MINUTE_MS = 60_000;
const ADDRESS = '192.0.2.44';
const sessions = { password_sign_in: true, inactivity_minutes: 10 };
const secret = someSecret();
const env = { LATCHKEY_SECRET: secret, TRUST_PROXY: '1', LATCHKEY_SIGN_INS_PER_MINUTE: '200' };
const service = await startService(env, { product: { sessions } });

const sidOf = ({ access_token }: Tokens) => String(decodeJwt(access_token)['sid']);
const loginFrom = (ip: string, body: object) =>
  call(service, 'POST', '/v1/auth/login', { headers: { 'x-forwarded-for': ip }, body });
const actionsOf = async (organizationId: string) => (await eventsOf(organizationId)).map(({ action }) => action);

async function eventsOf(organizationId: string) {
  const rows = await service.db('audit_events').where({ organization_id: organizationId }).orderBy('sequence');
  return rows.map(({ action, actor_kind, actor_id, target_kind, target_id, request_id, ip, details }) => ({
    action,
    actor: `${actor_kind} ${actor_id}`,
    target: `${target_kind} ${target_id}`,
    request: request_id === null ? null : String(request_id).slice(0, 4),
    ip,
    details,
  }));
}

const failed = (organizationId: string, credential: string, reason: string, ip = ADDRESS) => ({
  action: 'session.refused',
  actor: 'user unknown',
  target: `organization ${organizationId}`,
  request: 'req_',
  ip,
  details: { credential, reason },
});

/** Somebody whose organization billing knows, as every organization that uses Latchkey. */
async function person(organizations = 1) {
  const one = await addPerson(service, organizations);
  return { ...one, organizationId: one.organizations[0]!, credentials: { email: one.email, password: PASSWORD } };
}

test('records sign-ins and sign-outs with user, session and address, and shows them in the API', async () => {
  const { userId, organizationId, credentials } = await person();
  const tokens = tokensOf(await loginFrom(ADDRESS, credentials));
  const renewed = tokensOf(await refresh(service, { refresh_token: tokens.refresh_token }));
  const reader = await service.organizations.add();
  const token = await reader.session('owner', { org_id: organizationId });
  expect((await logout(service, renewed.access_token)).status).toBe(200);
  const target = `session ${sidOf(tokens)}`;
  expect(await eventsOf(organizationId)).toEqual([
    {
      action: 'session.created',
      actor: `user ${userId}`,
      target,
      request: 'req_',
      ip: ADDRESS,
      details: { credential: 'password' },
    },
    {
      action: 'session.ended',
      actor: `user ${userId}`,
      target,
      request: 'req_',
      ip: '127.0.0.1',
      details: { user_id: userId, reason: 'signed_out' },
    },
  ]);
  const listed = await call(service, 'GET', `/v1/audit-events?action=session.ended&target_id=${sidOf(tokens)}`, {
    token,
  });
  expect(listed.body).toMatchObject({ data: [{ action: 'session.ended', actor: { kind: 'user', id: userId } }] });
  expect(
    await makeTestAudit(service.clock, { secret, previousSecrets: [] }).verify(service.db, organizationId),
  ).toMatchObject({
    events: 2,
    breaks: [],
  });
});

test('records the chosen organization, and the one that a session is moved to, once', async () => {
  const { userId, organizations, credentials } = await person(2);
  const [first, second] = [organizations[0]!, organizations[1]!];
  const { body } = await login(service, credentials);
  const { pending_authentication_token } = body.error.details as { pending_authentication_token: string };
  expect([await actionsOf(first), await actionsOf(second)]).toEqual([[], []]);
  let tokens = tokensOf(await login(service, { pending_authentication_token, organization_id: first }));
  expect(await eventsOf(first)).toMatchObject([
    { action: 'session.created', details: { credential: 'pending_authentication_token' } },
  ]);
  for (const organization_id of [first, second, second, undefined]) {
    tokens = tokensOf(await refresh(service, { refresh_token: tokens.refresh_token, organization_id }));
    await service.background.runOnce('flush_sessions');
  }
  expect(await actionsOf(first)).toEqual(['session.created']);
  const moved = await eventsOf(second);
  expect(moved).toMatchObject([
    {
      action: 'session.organization_changed',
      actor: `user ${userId}`,
      target: `session ${sidOf(tokens)}`,
      details: { credential: 'refresh_token' },
    },
  ]);
  // Of whom else somebody is a member is nobody's business.
  expect(JSON.stringify(moved)).not.toContain(first);
  await logout(service, tokens.access_token);
  expect(await actionsOf(second)).toEqual(['session.organization_changed', 'session.ended']);
});

describe('POST /v1/auth/login', () => {
  test('records a failed sign-in in the known organization that it names', async () => {
    const { organizations, email } = await person(2);
    const [own, foreign] = [organizations[0]!, (await service.organizations.add()).id];
    const attempts: object[] = [
      { email, password: 'wrong' },
      { email, password: 'wrong', organization_id: own },
      { email, password: PASSWORD, organization_id: foreign },
      { pending_authentication_token: 'x', organization_id: own },
      { email, password: 'wrong', organization_id: 'org_nobody_knows' },
    ];
    const answers = [];
    for (const body of attempts) answers.push((await loginFrom(ADDRESS, body)).status);
    await refresh(service, { refresh_token: 'x', organization_id: own });
    expect(answers).toEqual([401, 401, 404, 401, 401]);
    expect(await eventsOf(own)).toEqual([
      failed(own, 'password', 'credential_invalid'),
      failed(own, 'pending_authentication_token', 'credential_invalid'),
      failed(own, 'refresh_token', 'credential_invalid', '127.0.0.1'),
    ]);
    expect(await eventsOf(foreign)).toEqual([failed(foreign, 'password', 'organization_not_found')]);
    expect(await eventsOf('org_nobody_knows')).toEqual([]);
  });

  test('records ten failures a minute for one organization, and counts the others', async () => {
    const { organizationId } = await person();
    const attempts = Array.from({ length: 25 }, (_, i) =>
      loginFrom(`198.51.100.${i}`, { email: `${i}@x.test`, password: 'x', organization_id: organizationId }),
    );
    for (const answer of await Promise.all(attempts)) expect(outcome(answer)).toEqual([401, 'credential_invalid']);
    expect(await actionsOf(organizationId)).toEqual(Array(10).fill('session.refused'));
    await service.background.runOnce('record_failed_sign_ins');
    const events = await eventsOf(organizationId);
    expect(events).toHaveLength(11);
    const details = { credential: 'password', reason: 'credential_invalid', attempts: 15 };
    expect(events.at(-1)).toMatchObject({ action: 'session.refused', actor: 'user unknown', request: null, details });
    await service.background.runOnce('record_failed_sign_ins');
    expect(await eventsOf(organizationId)).toHaveLength(11);
  });

  test('records guesses at a known user in a flood of made-up names, for any named organization', async () => {
    const { organizationId, credentials, userId } = await person();
    const other = (await person()).organizationId;
    expect((await loginFrom(ADDRESS, credentials)).status).toBe(200);
    for (let i = 0; i < 25; i++)
      await loginFrom(`198.51.100.${i}`, { email: `${i}@y.test`, password: 'x', organization_id: organizationId });
    const before = (await eventsOf(organizationId)).length;
    const { email } = credentials;
    for (const organization_id of [organizationId, undefined, other])
      await loginFrom('203.0.113.5', { email, password: 'a guess', organization_id });
    const details = { credential: 'password', reason: 'credential_invalid', user_id: userId };
    const added = (await eventsOf(organizationId)).slice(before);
    expect(added).toMatchObject([{ details }, { details }, { details }]);
    // Whose person it is is nothing for the organization that was named.
    expect(await eventsOf(other)).toEqual([failed(other, 'password', 'credential_invalid', '203.0.113.5')]);
    for (let i = 0; i < 10; i++) await loginFrom(`203.0.113.${10 + i}`, { email, password: 'a guess' });
    await service.background.runOnce('record_failed_sign_ins');
    expect((await eventsOf(organizationId)).findLast((event) => event.details.user_id === userId)).toMatchObject({
      details: { ...details, attempts: 3 },
    });
  });

  test('records a session that is not handed out as refused, with its user', async () => {
    const { userId, organizationId, credentials } = await person();
    await service
      .db('tenants')
      .where({ organization_id: organizationId })
      .update({ ip_allow_list: ['192.0.2.7'] });
    expect(outcome(await loginFrom(ADDRESS, credentials))).toEqual([403, 'ip_not_allowed']);
    expect(await eventsOf(organizationId)).toEqual([
      {
        action: 'session.refused',
        actor: `user ${userId}`,
        target: expect.stringMatching(/^session session_/),
        request: 'req_',
        ip: ADDRESS,
        details: { credential: 'password', reason: 'ip_not_allowed' },
      },
    ]);
  });

  test('hands out no session that cannot be recorded', async () => {
    const { organizationId, credentials } = await person();
    await service.db.raw(
      `alter table audit_events add constraint no_more check (organization_id <> '${organizationId}') not valid`,
    );
    expect((await login(service, credentials)).status).toBe(500);
    await service.db.raw('alter table audit_events drop constraint no_more');
    expect((await login(service, credentials)).status).toBe(200);
  });
});

describe('POST /v1/auth/refresh', () => {
  test('ends the session of a refused renewal, and records the reason', async () => {
    const { userId, organizationId, credentials } = await person();
    const tokens = tokensOf(await login(service, credentials));
    const onlyFrom = async (ips: string[]) => {
      await service.db('tenants').where({ organization_id: organizationId }).update({ ip_allow_list: ips });
      service.trust.onNotification(JSON.stringify([organizationId, null]));
    };
    await onlyFrom(['192.0.2.7']);
    expect(outcome(await refresh(service, { refresh_token: tokens.refresh_token }))).toEqual([403, 'ip_not_allowed']);
    expect((await eventsOf(organizationId)).slice(1)).toEqual([
      {
        action: 'session.ended',
        actor: `user ${userId}`,
        target: `session ${sidOf(tokens)}`,
        request: 'req_',
        ip: '127.0.0.1',
        details: { user_id: userId, reason: 'refused', refusal: 'ip_not_allowed' },
      },
    ]);
  });
});

test('records the end of an unused session once, by the system, in its own organization', async () => {
  const people = [await person(), await person()];
  const opened = [];
  for (const { credentials } of people) opened.push(tokensOf(await login(service, credentials)));
  await service.background.runOnce('flush_sessions');
  service.clock.advance(13 * MINUTE_MS);
  for (let i = 0; i < 2; i++) await service.background.runOnce('sweep_sessions');
  for (const [i, { userId, organizationId }] of people.entries()) {
    expect((await eventsOf(organizationId)).slice(1)).toEqual([
      {
        action: 'session.ended',
        actor: 'system sessions',
        target: `session ${sidOf(opened[i]!)}`,
        request: null,
        ip: null,
        details: { user_id: userId, reason: 'inactive' },
      },
    ]);
  }
});

describe('POST /v1/auth/logout', () => {
  test('records one event when two requests sign out the same session at once', async () => {
    const { organizationId, credentials } = await person();
    const { access_token } = tokensOf(await login(service, credentials));
    await Promise.all(Array.from({ length: 5 }, () => logout(service, access_token)));
    expect(await actionsOf(organizationId)).toEqual(['session.created', 'session.ended']);
  });
});

test('keeps keys in memory while users sign in and out', async () => {
  const { organizationId, credentials } = await person();
  const tokens = tokensOf(await login(service, credentials));
  const key = await createKey(service, tokens.access_token);
  const verify = async () =>
    (await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value } })).body;
  await verify();
  const { frames } = await listenToInvalidations(service, SERVICE_TOKEN);
  await login(service, { ...credentials, password: 'wrong', organization_id: organizationId });
  const again = tokensOf(await login(service, credentials));
  await logout(service, again.access_token);
  expect(await actionsOf(organizationId)).toEqual([
    'session.created',
    'api_key.created',
    'session.refused',
    'session.created',
    'session.ended',
  ]);
  expect(await verify()).toMatchObject({ code: 'valid', source: 'cache' });
  expect(frames.map(({ event }) => event)).not.toContain('invalidation');
});
