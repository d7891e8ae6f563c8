import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it, test } from 'vitest';
import { anyJwks, makeJwks } from '../../src/auth/jwks.ts';
import { makeSessionIssuers } from '../../src/auth/session-issuers.ts';
import { makeTokenVerifier } from '../../src/auth/token-verifier.ts';
import { systemClock } from '../../src/clock.ts';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const OK = [200, undefined];
const INVALID = [401, 'credential_invalid'];
const service = await startService({ WORKOS_CLIENT_IDS: 'client_console' });
const acme = await service.organizations.add();
const { workos } = service;
workos.behave({ client_ids: ['client_console'] });
const now = () => Math.floor(service.clock().getTime() / 1_000);

/** A token of WorkOS Connect, with which an application acts for a person. */
const acting = (claims: object = {}) =>
  workos.signMachineToken({
    iss: workos.url,
    aud: workos.clientId,
    sub: acme.userId('operator'),
    client_id: 'client_console',
    org_id: acme.id,
    sid: 'app_consent_01HX',
    scope: 'openid apikeys:read',
    iat: now(),
    exp: now() + 3_600,
    ...claims,
  });
const ask = async (token: string, method = 'GET', path = '/v1/api-keys', body?: object) =>
  outcome(await call(service, method, path, { token, ...(body && { body }) }));

describe('a token of an application that acts for a user', () => {
  it('is accepted as the user, with the granted scopes', async () => {
    const token = await acting();
    expect(await ask(token)).toEqual(OK);
    expect(await ask(token, 'GET', '/v1/audit-events')).toEqual([403, 'permission_denied']);
    expect((await call(service, 'GET', '/v1/me/session', { token })).body).toMatchObject({
      kind: 'user',
      user_id: acme.userId('operator'),
    });
    expect(await ask(await acting({ iss: `${workos.url}/`, aud: ['x', 'client_console'] }))).toEqual(OK);
  });

  it.each([
    ['an application that is not configured', { client_id: 'client_other' }],
    ['no application', { client_id: undefined }],
    ['another audience', { aud: 'client_other' }],
    ['no audience', { aud: undefined }],
    ['a form of issuer that only sessions have', { iss: `${workos.url}/user_management/${workos.clientId}` }],
    ['an empty consent', { sid: '' }],
  ])('is refused with %s', async (_what, claims) => {
    expect(await ask(await acting(claims))).toEqual(INVALID);
  });

  it('cannot be signed out', async () => {
    const signIn = await startService(
      { WORKOS_CLIENT_IDS: 'client_console' },
      { product: { sessions: { password_sign_in: true, inactivity_minutes: 5 } } },
    );
    signIn.workos.behave({ client_ids: ['client_console'] });
    const { id, userId } = await signIn.organizations.add();
    const token = await signIn.workos.signMachineToken({
      iss: signIn.workos.url,
      aud: signIn.workos.clientId,
      sub: userId('owner'),
      client_id: 'client_console',
      org_id: id,
      sid: 'app_consent_02HX',
      iat: now(),
      exp: now() + 3_600,
    });
    expect(outcome(await call(signIn, 'POST', '/v1/auth/logout', { token }))).toEqual([403, 'permission_denied']);
    signIn.clock.advance(10 * 60_000);
    expect(outcome(await call(signIn, 'GET', '/v1/me/session', { token }))).toEqual(OK);
  });
});

test('accepts a session whose issuer is the AuthKit domain by the JWKS of sessions', async () => {
  const token = await acme.session('owner', { iss: workos.url });
  expect(await ask(token)).toEqual(OK);
  expect(await ask(await acme.session('owner', { iss: workos.url, scope: 'openid' }))).toEqual(OK);
});

test('accepts a session of a second configured application under its own JWKS, and refuses one of a third', async () => {
  const claims = {
    iss: `${workos.url}/user_management/client_console`,
    sub: acme.userId('owner'),
    sid: 'session_console',
    org_id: acme.id,
    permissions: ['apikeys:read'],
    iat: now(),
    exp: now() + 300,
  };
  expect(await ask(await workos.signClientToken('client_console', claims))).toEqual(OK);
  expect(await ask(await workos.signClientToken('client_console', { ...claims, client_id: 'client_other' }))).toEqual(
    INVALID,
  );
  expect(await ask(await workos.signClientToken('client_other', claims))).toEqual(INVALID);
});

describe('a JWKS for each client', () => {
  const API = 'https://api.workos.com';
  const clientIds = ['client_one', 'client_two'];
  const down = new Set<string>();

  async function verifier() {
    const keys = await Promise.all(clientIds.map(() => generateKeyPair('RS256')));
    const publicOf = async (i: number) => ({ keys: [{ ...(await exportJWK(keys[i]!.publicKey)), kid: `key_${i}` }] });
    const fetchFn: typeof fetch = async (input) => {
      const i = clientIds.findIndex((id) => new Request(input).url === `${API}/sso/jwks/${id}`);
      return i === -1 || down.has(clientIds[i]!) ? new Response('', { status: 503 }) : Response.json(await publicOf(i));
    };
    const set = (id: string) =>
      makeJwks({ url: `${API}/sso/jwks/${id}`, timeoutMs: 1_000, clock: systemClock, fetchFn });
    const verify = makeTokenVerifier({
      clientIds,
      isSessionIssuer: makeSessionIssuers({ urls: [], clientIds, others: [] }),
      sessionKeys: anyJwks(clientIds.map(set)),
      connect: undefined,
      logRefusedIssuer: () => undefined,
      implying: (scopes) => new Set(scopes),
      clock: systemClock,
    });
    const sign = (i: number, kid = `key_${i}`) =>
      new SignJWT({ sub: 'user_a', sid: 'session_a', org_id: 'org_a', iss: `${API}/user_management/${clientIds[i]}` })
        .setProtectedHeader({ alg: 'RS256', kid })
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(keys[i]!.privateKey);
    return { verify, sign };
  }

  it('finds the key of a token among all of them', async () => {
    const { verify, sign } = await verifier();
    for (const i of [0, 1]) expect(await verify(await sign(i))).toMatchObject({ kind: 'user', userId: 'user_a' });
    await expect(verify(await sign(0, 'key_1'))).rejects.toMatchObject({ code: 'credential_invalid' });
    await expect(verify(await sign(1, 'key_unknown'))).rejects.toMatchObject({ code: 'credential_invalid' });
  });

  it('fails only for its own keys while it cannot be fetched', async () => {
    const { verify, sign } = await verifier();
    down.add('client_one');
    expect(await verify(await sign(1))).toMatchObject({ kind: 'user' });
    await expect(verify(await sign(0))).rejects.toMatchObject({ code: 'workos_unavailable' });
    down.clear();
  });
});
