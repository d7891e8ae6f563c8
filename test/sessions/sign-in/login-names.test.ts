import { describe, expect, test } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { atWorkos } from '../../support/at-workos.ts';
import { restartWith } from '../../support/restart.ts';
import { startService } from '../../support/service.ts';
import { takeWorkosDown } from '../../support/workos-faults.ts';
import { PASSWORD, addPerson, login } from './sign-in.ts';

const sessions = { password_sign_in: true, login_names: 'external_id' } as const;
const service = await startService({}, { product: { sessions } });
const INVALID = [401, 'credential_invalid'];

async function person() {
  const added = await addPerson(service);
  const name = `login-${added.userId.slice(5)}`;
  await atWorkos(service, 'PUT', `/user_management/users/${added.userId}`, { external_id: name });
  return { ...added, name };
}

/** The requests to WorkOS that a sign-in makes. */
async function requestsOf(email: string, password: string) {
  const before = service.workos.requests().length;
  const answer = await login(service, { email, password });
  const made = service.workos.requests().slice(before);
  return { answer, made: made.map(({ method, path }) => `${method} ${path.replace(email, ':name')}`) };
}

describe('POST /v1/auth/login with login names', () => {
  test('signs in by the external id and by the e-mail address, and the session shows the login', async () => {
    const { name, email, userId } = await person();
    for (const entered of [name, email]) {
      const { status, body } = await login(service, { email: entered, password: PASSWORD });
      expect([status, body['user']]).toEqual([200, { id: userId, email }]);
      const me = await call(service, 'GET', '/v1/me/session', { token: String(body['access_token']) });
      expect(me.body).toMatchObject({ email, login: name });
    }
    const { email: other } = await addPerson(service);
    const { body } = await login(service, { email: other, password: PASSWORD });
    const me = await call(service, 'GET', '/v1/me/session', { token: String(body['access_token']) });
    expect(me.body).toMatchObject({ email: other, login: other });
  });

  test('answers an unknown name as it answers a wrong password, with the same requests to WorkOS', async () => {
    const { name } = await person();
    const wrong = await requestsOf(name, 'not the password');
    const unknown = await requestsOf(`${name}-not`, 'not the password');
    expect(outcome(wrong.answer)).toEqual(INVALID);
    const { request_id: _one, ...told } = wrong.answer.body.error as unknown as Record<string, unknown>;
    const { request_id: _other, ...same } = unknown.answer.body.error as unknown as Record<string, unknown>;
    expect(same).toEqual(told);
    expect(unknown.made).toEqual(wrong.made);
    expect(wrong.made).toHaveLength(2);
  });

  test('looks up no text that is not a login name', async () => {
    for (const odd of ['..', '../../organizations', 'a/b', 'a?b', 'a b', '-x', 'é', '%2e%2e', 'x'.repeat(129)]) {
      const { answer, made } = await requestsOf(odd, PASSWORD);
      expect(outcome(answer)).toEqual(INVALID);
      expect(made).toEqual(['POST /user_management/authenticate']);
    }
  });

  test('limits attempts by name, whether it exists or not', async () => {
    const strict = { LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE: '3' };
    const limited = await restartWith(service, strict, { sessions });
    const { name } = await person();
    for (const entered of [name, `${name}-not`]) {
      const attempt = async () => outcome(await login(limited, { email: entered, password: 'not the password' }))[0];
      const statuses = [await attempt(), await attempt(), await attempt(), await attempt()];
      expect(statuses).toEqual([401, 401, 401, 429]);
    }
  });

  test('records a failed sign-in by name with the user whose name it is', async () => {
    const { name, userId, organizations } = await person();
    const { body } = await login(service, { email: name, password: PASSWORD });
    await login(service, { email: name, password: 'not the password' });
    const token = String(body['access_token']);
    const events = await call(service, 'GET', '/v1/audit-events?action=session.refused', { token });
    expect(events.body['data']).toMatchObject([
      { details: { credential: 'password', user_id: userId }, target: { id: organizations[0] } },
    ]);
  });

  test('answers 503 while WorkOS does not answer', async () => {
    const { name } = await person();
    takeWorkosDown(service);
    expect(outcome(await login(service, { email: name, password: PASSWORD }))).toEqual([503, 'workos_unavailable']);
    service.workos.faults.clear();
    expect((await login(service, { email: name, password: PASSWORD })).status).toBe(200);
  });
});

test('a product without login names looks none up', async () => {
  const plain = await restartWith(service, {}, { sessions: { password_sign_in: true } });
  const { name } = await person();
  const before = service.workos.requests().length;
  expect(outcome(await login(plain, { email: name, password: PASSWORD }))).toEqual(INVALID);
  expect(service.workos.requests().slice(before)).toMatchObject([{ path: '/user_management/authenticate' }]);
});
