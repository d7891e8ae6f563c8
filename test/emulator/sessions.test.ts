import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { authenticate, call, COOKIE_PASSWORD, PASSWORD, sdk, signIn, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const sessionOf = (accessToken: string): string => String(decodeJwt(accessToken)['sid']);
const refresh = (token: string) => authenticate(emulator, { grant_type: 'refresh_token', refresh_token: token });

const logout = (query: string) => call(emulator, 'GET', `/user_management/sessions/logout?${query}`, { key: null });

describe('sessions', () => {
  it('are listed for a person with address and user agent', async () => {
    await authenticate(emulator, {
      grant_type: 'password',
      email: 'owner@acme.test',
      password: PASSWORD,
      ip_address: '192.0.2.1',
      user_agent: 'test',
    });
    const { body } = await call(emulator, 'GET', '/user_management/users/user_acme_owner/sessions');
    expect(body.data[0]).toMatchObject({
      status: 'active',
      organization_id: 'org_acme',
      auth_method: 'password',
      ip_address: '192.0.2.1',
      user_agent: 'test',
    });
    expect(await call(emulator, 'GET', '/user_management/users/user_nobody/sessions')).toMatchObject({ status: 404 });
  });

  it('end when revoked: the refresh token is refused and the list shows the end', async () => {
    const { access_token, refresh_token } = await signIn(emulator, 'owner@hooli.test');
    const body = { session_id: sessionOf(access_token) };
    expect(await call(emulator, 'POST', '/user_management/sessions/revoke', { body })).toMatchObject({ status: 200 });
    expect(await refresh(refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const { body: list } = await call(emulator, 'GET', '/user_management/users/user_hooli_owner/sessions');
    expect(list.data[0]).toMatchObject({ id: body.session_id, status: 'revoked', ended_at: expect.any(String) });
  });

  it('that do not exist cannot be revoked: 400', async () => {
    expect(
      await call(emulator, 'POST', '/user_management/sessions/revoke', { body: { session_id: 'session_x' } }),
    ).toMatchObject({ status: 400 });
  });

  it('emit an event when they begin and when they end', async () => {
    const { access_token } = await signIn(emulator, 'owner@umbrella.test');
    const body = { session_id: sessionOf(access_token) };
    await call(emulator, 'POST', '/user_management/sessions/revoke', { body });
    await call(emulator, 'POST', '/user_management/sessions/revoke', { body });
    const { body: list } = await call(
      emulator,
      'GET',
      '/events?events=session.created,session.revoked&organization_id=org_umbrella',
    );
    expect(
      list.data.map(({ event, data }: { event: string; data: { status: string } }) => [event, data.status]),
    ).toEqual([
      ['session.created', 'active'],
      ['session.revoked', 'revoked'],
    ]);
  });
});

describe('logging out', () => {
  it('ends the session and redirects to return_to', async () => {
    const { access_token, refresh_token } = await signIn(emulator, 'owner@globex.test');
    const answer = await logout(`session_id=${sessionOf(access_token)}&return_to=http%3A%2F%2F127.0.0.1%3A3000%2Fbye`);
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toBe('http://127.0.0.1:3000/bye');
    expect(await refresh(refresh_token)).toMatchObject({ status: 400 });
  });

  it('shows a page without return_to', async () => {
    const { access_token } = await signIn(emulator, 'owner@globex.test');
    const answer = await logout(`session_id=${sessionOf(access_token)}`);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('You are signed out.');
  });

  it('refuses a return_to on another machine, and a missing session, with 422', async () => {
    expect(await logout('session_id=session_x&return_to=https%3A%2F%2Fevil.example')).toMatchObject({ status: 422 });
    expect(await logout('')).toMatchObject({ status: 422 });
  });
});

describe("the official SDK's sealed session", () => {
  const session = { sealSession: true, cookiePassword: COOKIE_PASSWORD };
  const load = async () => {
    const { userManagement } = sdk(emulator);
    const { sealedSession } = await userManagement.authenticateWithPassword({
      email: 'operator@initech.test',
      password: PASSWORD,
      session,
    });
    return userManagement.loadSealedSession({ sessionData: sealedSession!, cookiePassword: COOKIE_PASSWORD });
  };

  it('authenticates, refreshes and authenticates again', async () => {
    const cookie = await load();
    const before = await cookie.authenticate();
    expect(before).toMatchObject({
      authenticated: true,
      organizationId: 'org_initech',
      role: 'operator',
      user: { email: 'operator@initech.test' },
    });
    expect(await cookie.refresh()).toMatchObject({
      authenticated: true,
      sealedSession: expect.stringMatching(/^Fe26\.2\*/),
    });
    expect(await cookie.authenticate()).toMatchObject({
      authenticated: true,
      sessionId: 'sessionId' in before && before.sessionId,
    });
  });

  it('reports invalid_grant once the session was ended through its logout address', async () => {
    const cookie = await load();
    const logoutUrl = new URL(await cookie.getLogoutUrl({ returnTo: 'http://localhost:3000/' }));
    await call(emulator, 'GET', `${logoutUrl.pathname}${logoutUrl.search}`, { key: null });
    expect(await cookie.refresh()).toMatchObject({ authenticated: false, reason: 'invalid_grant', retryable: false });
  });

  it('lists and revokes sessions', async () => {
    const { userManagement } = sdk(emulator);
    await load();
    const { data } = await userManagement.listSessions('user_initech_operator');
    await userManagement.revokeSession({ sessionId: data[0]!.id });
    expect((await userManagement.listSessions('user_initech_operator')).data[0]).toMatchObject({
      id: data[0]!.id,
      status: 'revoked',
    });
  });
});
