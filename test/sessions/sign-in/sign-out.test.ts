import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../../support/api.ts';
import { SERVICE_TOKEN, startService } from '../../support/service.ts';
import { takeWorkosDown } from '../../support/workos-faults.ts';
import { PASSWORD, addPerson, login, logout, refresh, tokensOf } from './sign-in.ts';

const service = await startService({}, { product: { sessions: { password_sign_in: true } } });

const OK = [200, undefined];
const me = (token: string) => call(service, 'GET', '/v1/me/session', { token });

describe('POST /v1/auth/logout', () => {
  test('ends every token of the session at once, here and at WorkOS', async () => {
    const { email } = await addPerson(service);
    const { access_token, refresh_token } = tokensOf(await login(service, { email, password: PASSWORD }));
    const renewed = tokensOf(await refresh(service, { refresh_token }));
    const other = tokensOf(await login(service, { email, password: PASSWORD }));
    for (const token of [access_token, renewed.access_token]) expect(outcome(await me(token))).toEqual(OK);
    expect((await logout(service, access_token)).body).toEqual({ status: 'signed_out' });
    for (const token of [access_token, renewed.access_token]) {
      const { status, body } = await me(token);
      expect([status, body.error.code, body.error.details]).toEqual([
        401,
        'credential_expired',
        { reason: 'signed_out', credential: 'access_token' },
      ]);
    }
    expect(
      outcome(await call(service, 'GET', '/v1/me/session', { headers: { 'x-access-token': access_token } })),
    ).toEqual([401, 'credential_expired']);
    expect(outcome(await refresh(service, { refresh_token: renewed.refresh_token }))[0]).toBe(401);
    expect(outcome(await me(other.access_token))).toEqual(OK);
  });

  test('signs out here while WorkOS is down, and revokes at WorkOS later', async () => {
    const { email } = await addPerson(service);
    const { access_token, refresh_token } = tokensOf(await login(service, { email, password: PASSWORD }));
    const sid = String(decodeJwt(access_token)['sid']);
    takeWorkosDown(service);
    expect((await logout(service, access_token)).status).toBe(200);
    expect(outcome(await me(access_token))).toEqual([401, 'credential_expired']);
    const row = () => service.db('user_sessions').where({ session_id: sid }).first();
    expect(await row()).toMatchObject({ end_reason: 'signed_out', workos_revoked_at: null });
    service.workos.faults.clear();
    service.clock.advance(20_000);
    await service.background.runOnce('revoke_sessions');
    expect(await row()).toMatchObject({ workos_revoked_at: expect.any(Date), due_at: null });
    expect(outcome(await refresh(service, { refresh_token }))[0]).toBe(401);
  });

  test('returns 403 to keys and machines that sign out', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session('owner'));
    for (const token of [await acme.machineToken(), key.value, SERVICE_TOKEN])
      expect(outcome(await logout(service, token))).toEqual([403, 'permission_denied']);
    expect(outcome(await call(service, 'POST', '/v1/auth/logout'))).toEqual([401, 'credential_missing']);
  });
});

describe('GET /v1/me/session after a sign-out on another replica', () => {
  test('refuses the session at its invalidation, and reads the row while it receives none', async () => {
    const { email } = await addPerson(service);
    const { access_token } = tokensOf(await login(service, { email, password: PASSWORD }));
    expect(outcome(await me(access_token))).toEqual(OK);
    const sid = String(decodeJwt(access_token)['sid']);
    const organizationId = String(decodeJwt(access_token)['org_id']);
    // As another replica would write it.
    const now = service.clock();
    await service.db('user_sessions').where({ session_id: sid }).update({ ended_at: now, end_reason: 'signed_out' });
    expect(outcome(await me(access_token))).toEqual(OK);
    service.trust.onNotification(JSON.stringify([organizationId, null, sid]));
    expect(outcome(await me(access_token))).toEqual([401, 'credential_expired']);
    await service.db('user_sessions').where({ session_id: sid }).delete();
    expect(outcome(await me(access_token))).toEqual(OK);
    await service.db('user_sessions').insert({
      session_id: sid,
      user_id: 'user_x',
      last_active_at: now,
      ended_at: now,
      end_reason: 'signed_out',
    });
    service.trust.onLost();
    expect(outcome(await me(access_token))).toEqual([401, 'credential_expired']);
    service.trust.onOpen();
  });
});
