import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { makeSessionActivity } from '../../src/sessions/session-activity.ts';
import type { SessionUse } from '../../src/sessions/session-repository.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { sealSession } from '../support/sealed-session.ts';
import { plainItems } from '../support/plain-items.ts';
import { startService } from '../support/service.ts';
import { PASSWORD, addPerson, login, refresh, tokensOf } from './sign-in/sign-in.ts';

const MINUTE_MS = 60_000;
const WINDOW_MS = 2 * MINUTE_MS;
// A tenth of the window.
const LAG_MS = 12_000;
const sessions = { password_sign_in: true, inactivity_minutes: 2 };
const service = await startService({}, { product: { sessions } });
const flush = () => service.background.runOnce('flush_sessions');

const OK = [200, undefined];
const OVER = [401, 'credential_expired'];
const me = async (token: string) => outcome(await call(service, 'GET', '/v1/permission-sets', { token }));
const sessionRow = async (token: string) =>
  service
    .db('user_sessions')
    .where({ session_id: decodeJwt(token)['sid'] })
    .first();

async function session() {
  const acme = await service.organizations.add();
  const exp = Math.floor(service.clock().getTime() / 1_000) + 86_400;
  return { acme, token: await acme.session('owner', { exp }) };
}

describe('the inactivity window', () => {
  test('returns 401 with reason inactive for a session that was not used for the whole window', async () => {
    const { token } = await session();
    expect(await me(token)).toEqual(OK);
    service.clock.advance(WINDOW_MS);
    const { status, body } = await call(service, 'GET', '/v1/permission-sets', { token });
    expect([status, body.error.code, body.error.details]).toEqual([
      401,
      'credential_expired',
      { reason: 'inactive', credential: 'access_token' },
    ]);
    expect(await me(token)).toEqual(OVER);
  });

  test('restarts with each use, also without a write in between', async () => {
    const { token } = await session();
    for (let i = 0; i < 5; i++) {
      expect(await me(token)).toEqual(OK);
      service.clock.advance(WINDOW_MS - MINUTE_MS / 2);
    }
    await flush();
    expect(await me(token)).toEqual(OK);
  });

  test('begins with the issue of an unused token', async () => {
    const { token } = await session();
    service.clock.advance(WINDOW_MS);
    expect(await me(token)).toEqual(OVER);
  });

  test('applies to the token in each of its places', async () => {
    const acme = await service.organizations.add();
    const exp = Math.floor(service.clock().getTime() / 1_000) + 86_400;
    const token = await acme.session('owner', { exp });
    const cookie = `wos_session=${encodeURIComponent(await sealSession(token))}`;
    const places: Record<string, string>[] = [
      { authorization: `Bearer ${token}` },
      { 'x-access-token': token },
      { cookie },
    ];
    const at = async (headers: Record<string, string>) =>
      outcome(await call(service, 'GET', '/v1/permission-sets', { headers }));
    for (const headers of places) {
      service.clock.advance(WINDOW_MS - MINUTE_MS);
      expect(await at(headers)).toEqual(OK);
    }
    service.clock.advance(WINDOW_MS);
    for (const headers of places) expect(await at(headers)).toEqual(OVER);
  });

  test('does not apply to machines and keys', async () => {
    const { acme, token } = await session();
    const key = await createKey(service, token);
    const machine = await acme.machineToken('apikeys:read');
    service.clock.advance(WINDOW_MS);
    expect([await me(machine), await me(key.value)]).toEqual([OK, OK]);
  });

  test('counts a use that another replica has written', async () => {
    const { token } = await session();
    expect(await me(token)).toEqual(OK);
    await flush();
    service.clock.advance(WINDOW_MS);
    await service
      .db('user_sessions')
      .where({ session_id: decodeJwt(token)['sid'] })
      .update({ last_active_at: new Date(service.clock().getTime() - 1_000) });
    expect(await me(token)).toEqual(OK);
  });
});

test('writes the first use soon, others once in a tenth of the window, and none in a request', async () => {
  const { token } = await session();
  await me(token);
  expect(await sessionRow(token)).toBeUndefined();
  await flush();
  const first = (await sessionRow(token)).last_active_at;
  service.clock.advance(LAG_MS / 2);
  await me(token);
  await flush();
  expect((await sessionRow(token)).last_active_at).toEqual(first);
  service.clock.advance(LAG_MS / 2);
  await flush();
  expect(Number((await sessionRow(token)).last_active_at) - Number(first)).toBeGreaterThanOrEqual(LAG_MS / 2);
});

describe('POST /v1/auth/refresh', () => {
  test.each([
    ['was written', true],
    ['was not written yet', false],
  ])('refuses to renew an inactive session whose last use %s, and revokes it at WorkOS', async (_what, isWritten) => {
    const { email } = await addPerson(service);
    const tokens = tokensOf(await login(service, { email, password: PASSWORD }));
    if (isWritten) await flush();
    service.clock.advance(WINDOW_MS);
    const refused = await refresh(service, { refresh_token: tokens.refresh_token });
    expect([outcome(refused), refused.body.error.details?.['reason']]).toEqual([OVER, 'inactive']);
    expect(await sessionRow(tokens.access_token)).toMatchObject({
      end_reason: 'inactive',
      workos_revoked_at: expect.any(Date),
    });
  });

  test('keeps a session active through its renewed token', async () => {
    const { email } = await addPerson(service);
    let tokens = tokensOf(await login(service, { email, password: PASSWORD }));
    for (let i = 0; i < 3; i++) {
      service.clock.advance(WINDOW_MS - MINUTE_MS / 2);
      tokens = tokensOf(await refresh(service, { refresh_token: tokens.refresh_token }));
      expect(await me(tokens.access_token)).toEqual(OK);
    }
  });
});

test('ends abandoned sessions here and at WorkOS, and deletes them later', async () => {
  const { email } = await addPerson(service);
  const { access_token, refresh_token } = tokensOf(await login(service, { email, password: PASSWORD }));
  await flush();
  service.clock.advance(WINDOW_MS + LAG_MS);
  await service.background.runOnce('sweep_sessions');
  expect(await sessionRow(access_token)).toMatchObject({ end_reason: null });
  service.clock.advance(2 * LAG_MS);
  await service.background.runOnce('sweep_sessions');
  expect(await sessionRow(access_token)).toMatchObject({ end_reason: 'inactive' });
  await service.background.runOnce('revoke_sessions');
  expect(await sessionRow(access_token)).toMatchObject({ workos_revoked_at: expect.any(Date), due_at: null });
  expect((await refresh(service, { refresh_token })).status).toBe(401);
  service.clock.advance(61 * 86_400_000);
  await service.background.runOnce('sweep_sessions');
  expect(await sessionRow(access_token)).toBeUndefined();
});

const of = (n: number) => ({ sessionId: `session_${n}`, userId: 'user_a', organizationId: 'org_a' });

test('loses no use in a failed write, and writes many sessions together', async () => {
  const written: SessionUse[][] = [];
  let isDown = true;
  const note = (uses: readonly SessionUse[]) => {
    if (isDown) return Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }));
    written.push([...uses]);
    return Promise.resolve();
  };
  const activity = makeSessionActivity({
    sessions: { recordUses: note },
    items: plainItems,
    lagMs: 1_000,
    maxSessions: 3,
  });
  for (let n = 0; n < 3; n++) await activity.recordUse(of(n), 5_000 + n);
  await expect(activity.flush(6_000)).rejects.toThrow('down');
  isDown = false;
  // One more than is kept is written by itself.
  await activity.recordUse(of(3), 7_000);
  await activity.flush(8_000);
  expect(written.map((uses) => uses.map(({ sessionId }) => sessionId))).toEqual([
    ['session_3'],
    ['session_0', 'session_1', 'session_2'],
  ]);
  await activity.recordUse(of(0), 8_100);
  await activity.flush(8_200);
  expect(activity.lastMs('session_1')).toBeUndefined();
  await activity.flush(Infinity);
  expect(written.at(-1)?.map(({ lastActiveAt }) => lastActiveAt.getTime())).toEqual([8_100]);
});
