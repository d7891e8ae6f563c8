import { afterEach, describe, expect, it } from 'vitest';
import { SIGN_IN_REFUSALS } from '../../../src/emulator/profile/sign-in-refusals.ts';
import { outcome } from '../../support/api.ts';
import { startService } from '../../support/service.ts';
import { PASSWORD, addPerson, login, refresh, tokensOf } from './sign-in.ts';

const sessions = { password_sign_in: true };
const env = { LATCHKEY_SIGN_INS_PER_MINUTE: '1000' };
const service = await startService(env, { product: { sessions } });
const { workos } = service;

afterEach(() => {
  workos.behave({ sign_in_refusal: null });
  workos.faults.clear();
});

const MEANS_WRONG = ['invalid_credentials', 'invalid_grant', 'invalid_pending_authentication_token', 'not_found'];
const NOT_A_MEMBER = ['organization_membership_not_found', 'organization_not_found', 'invalid_organization_id'];
const CONFIGURATION = [
  'email_password_auth_disabled',
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_request_parameters',
  'token_too_big',
];
const SOME_DETAILS: unknown = expect.any(Object);
const REASONS: Record<string, string> = { must_use_sso: 'sso_required' };

/** What the caller is told of each refusal that the specification has. */
function expected(code: string): [number, string, unknown] {
  if (SIGN_IN_REFUSALS.get(code)!.status === 429) return [429, 'rate_limited', SOME_DETAILS];
  if (MEANS_WRONG.includes(code)) return [401, 'credential_invalid', { credential: 'password' }];
  if (NOT_A_MEMBER.includes(code)) return [404, 'organization_not_found', undefined];
  if (CONFIGURATION.includes(code)) return [502, 'workos_rejected', { workos: { code } }];
  return [403, 'permission_denied', { reason: REASONS[code] ?? code }];
}

const signIn = async () => {
  const { email } = await addPerson(service);
  const { status, body } = await login(service, { email, password: PASSWORD });
  return [status, body.error.code, body.error.details];
};

describe('POST /v1/auth/login when WorkOS refuses a right password', () => {
  it.each([...SIGN_IN_REFUSALS.keys()])('answers a refusal of the kind %s as what it is', async (code) => {
    workos.behave({ sign_in_refusal: code });
    expect(await signIn()).toEqual(expected(code));
    const logged = service.logs.some((line) => line.includes(`"workos_code":"${code}"`));
    expect(logged).toBe(CONFIGURATION.includes(code));
  });

  it.each([
    ['a code that nobody knows yet', 400, { code: 'quantum_challenge', message: 'x' }, 'quantum_challenge'],
    ['a code that the SDK alone knows', 403, { code: 'mfa_verification', message: 'x' }, 'mfa_verification'],
    ['a code that is no name', 400, { code: '<script>', message: 'x' }, 'unknown'],
    ['a code without end', 400, { code: 'x'.repeat(5_000), message: 'x' }, 'unknown'],
    ['no code at all', 403, { message: 'x' }, 'unknown'],
    ['a body that is a list', 400, [] as never, 'unknown'],
  ])('does not answer a refusal with %s as a wrong password', async (_what, status, body, reason) => {
    workos.faults.add({ kind: 'status', status, body: { ...body }, path: '/user_management/authenticate' });
    expect(await signIn()).toEqual([403, 'permission_denied', { reason }]);
  });
});

describe('POST /v1/auth/refresh when WorkOS refuses', () => {
  it('does not count the refusal as a guess', async () => {
    const counting = await startService(
      { ...env, LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '2' },
      { product: { sessions } },
    );
    const { email } = await addPerson(counting);
    const { refresh_token } = tokensOf(await login(counting, { email, password: PASSWORD }));
    const body = { error: 'sso_required', error_description: 'x' };
    counting.workos.faults.add({ kind: 'status', status: 400, body, path: '/user_management/authenticate', times: 5 });
    for (let i = 0; i < 5; i++)
      expect(outcome(await refresh(counting, { refresh_token }))).toEqual([403, 'permission_denied']);
  });
});

const revoked = (sid: string) =>
  service.db('user_sessions').where({ session_id: sid }).first('end_reason', 'workos_revoked_at', 'organization_id');
const sessionsAtWorkos = async (userId: string) => {
  const events = await fetch(`${workos.url}/events?limit=100&events=session.revoked,session.created`, {
    headers: { authorization: `Bearer ${workos.apiKey}` },
  });
  const { data } = (await events.json()) as { data: { event: string; data: { id: string; user_id: string } }[] };
  return data.filter((event) => event.data.user_id === userId).map((event) => [event.event, event.data.id] as const);
};

describe('POST /v1/auth/login by a user without an organization', () => {
  it('leaves no session behind at WorkOS', async () => {
    const { email, userId } = await addPerson(service, 0);
    expect(outcome(await login(service, { email, password: PASSWORD }))).toEqual([403, 'permission_denied']);
    const [[, sid] = ['', '']] = await sessionsAtWorkos(userId);
    expect(await sessionsAtWorkos(userId)).toEqual([
      ['session.created', sid],
      ['session.revoked', sid],
    ]);
    expect(await revoked(sid)).toEqual({
      end_reason: 'refused',
      workos_revoked_at: expect.any(Date),
      organization_id: null,
    });
  });

  it('has the session revoked later if WorkOS does not answer', async () => {
    const { email, userId } = await addPerson(service, 0);
    workos.faults.add({ kind: 'status', status: 503, path: '/user_management/sessions/revoke', times: 1 });
    expect(outcome(await login(service, { email, password: PASSWORD }))).toEqual([403, 'permission_denied']);
    const [[, sid] = ['', '']] = await sessionsAtWorkos(userId);
    expect(await revoked(sid)).toMatchObject({ workos_revoked_at: null });
    service.clock.advance(60_000);
    await service.background.runOnce('revoke_sessions');
    expect((await sessionsAtWorkos(userId)).map(([event]) => event)).toEqual(['session.created', 'session.revoked']);
  });
});
