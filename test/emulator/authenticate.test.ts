import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { authenticate, call, PASSWORD, sdk, signIn, startDemo, steppedClock, TWO_ORGANIZATIONS } from './harness.ts';

const { clock, forward } = steppedClock();
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo({ clock });
  emulator.seed(TWO_ORGANIZATIONS);
  emulator.seed({ people: [{ id: 'user_alone', email: 'alone@acme.test', password: PASSWORD }] });
});
afterAll(() => emulator.close());

const refresh = (fields: object) => authenticate(emulator, { grant_type: 'refresh_token', ...fields });

const permissionsOf = async (email: string) => decodeJwt((await signIn(emulator, email)).access_token)['permissions'];

const magicGrant = (code: string, email = 'owner@initech.test') =>
  authenticate(emulator, { grant_type: 'urn:workos:oauth:grant-type:magic-auth:code', code, email });

const requestCode = async (): Promise<string> =>
  (await call(emulator, 'POST', '/user_management/magic_auth', { body: { email: 'owner@initech.test' } })).body.code;

describe('signing in with a password', () => {
  it('returns the person, their only organization and both tokens', async () => {
    const body = await signIn(emulator, 'owner@acme.test');
    expect(body).toMatchObject({
      user: { id: 'user_acme_owner', email: 'owner@acme.test' },
      organization_id: 'org_acme',
      authentication_method: 'Password',
    });
    expect(decodeProtectedHeader(body.access_token)).toMatchObject({ alg: 'RS256', kid: expect.any(String) });
    const issuedAt = clock().getTime() / 1000;
    expect(decodeJwt(body.access_token)).toEqual({
      iss: emulator.sessionIssuer(),
      sub: 'user_acme_owner',
      sid: expect.stringMatching(/^session_/),
      client_id: 'client_latchkey',
      org_id: 'org_acme',
      role: 'owner',
      roles: ['owner'],
      permissions: expect.arrayContaining(['apikeys:write', 'members:write']),
      jti: expect.any(String),
      iat: issuedAt,
      exp: issuedAt + 300,
    });
  });

  it('gives each role its permissions', async () => {
    const operator = await permissionsOf('operator@hooli.test');
    expect(operator).toEqual(expect.arrayContaining(['apikeys:write']));
    expect(operator).not.toContain('members:write');
    expect(operator).not.toContain('billing:write');
    expect(await permissionsOf('member@hooli.test')).toEqual([
      'workspace:read',
      'workspace:write:own',
      'tasks:write:own',
    ]);
  });

  it('signs a person without an organization in to none', async () => {
    const body = await signIn(emulator, 'alone@acme.test');
    expect(body).not.toHaveProperty('organization_id');
    expect(decodeJwt(body.access_token)).not.toHaveProperty('org_id');
  });

  it('accepts the email in any letter case', async () => {
    expect(await signIn(emulator, 'Owner@Acme.Test')).toMatchObject({ user: { id: 'user_acme_owner' } });
  });

  it('refuses a wrong password and an unknown person alike', async () => {
    const fields = { grant_type: 'password', password: 'wrong' };
    const wrong = await authenticate(emulator, { ...fields, email: 'owner@acme.test' });
    const unknown = await authenticate(emulator, { ...fields, email: 'nobody@acme.test' });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_credentials' } });
    expect(unknown.body).toEqual(wrong.body);
  });

  it('refuses a wrong client, a wrong secret and none', async () => {
    const fields = { grant_type: 'password', email: 'owner@acme.test', password: PASSWORD };
    for (const client of [{ client_id: 'client_x' }, { client_secret: 'sk_wrong' }, { client_secret: undefined }]) {
      expect(await authenticate(emulator, { ...fields, ...client })).toMatchObject({
        status: 400,
        body: { error: 'invalid_client' },
      });
    }
  });

  it('refuses an unknown grant with 400 and missing fields with 422', async () => {
    expect(await authenticate(emulator, { grant_type: 'device' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect(await authenticate(emulator, { grant_type: 'password' })).toMatchObject({
      status: 422,
      body: { code: 'invalid_request_parameters' },
    });
  });
});

describe('choosing an organization', () => {
  it('is requested with 403 when there are several, and completes the sign-in', async () => {
    const asked = await authenticate(emulator, {
      grant_type: 'password',
      email: 'twofold@acme.test',
      password: PASSWORD,
    });
    expect(asked).toMatchObject({
      status: 403,
      body: {
        code: 'organization_selection_required',
        organizations: [
          { id: 'org_acme', name: 'Acme' },
          { id: 'org_globex', name: 'Globex' },
        ],
      },
    });
    const select = (organizationId: string) =>
      authenticate(emulator, {
        grant_type: 'urn:workos:oauth:grant-type:organization-selection',
        pending_authentication_token: asked.body.pending_authentication_token,
        organization_id: organizationId,
      });
    expect(await select('org_hooli')).toMatchObject({
      status: 400,
      body: { error: 'organization_membership_not_found' },
    });
    expect(await select('org_globex')).toMatchObject({ status: 200, body: { organization_id: 'org_globex' } });
    expect(await select('org_globex')).toMatchObject({
      status: 400,
      body: { code: 'invalid_pending_authentication_token' },
    });
  });

  it('raises what the official SDK expects', async () => {
    const attempt = sdk(emulator).userManagement.authenticateWithPassword({
      email: 'twofold@acme.test',
      password: PASSWORD,
    });
    await expect(attempt).rejects.toMatchObject({
      code: 'organization_selection_required',
      pendingAuthenticationToken: expect.any(String),
    });
  });
});

describe('refreshing', () => {
  it('rotates the token: the new one works, the used one does not', async () => {
    const first = await signIn(emulator, 'owner@globex.test');
    const second = await refresh({ refresh_token: first.refresh_token });
    expect(second.status).toBe(200);
    expect(decodeJwt(second.body.access_token)['sid']).toBe(decodeJwt(first.access_token)['sid']);
    expect(await refresh({ refresh_token: first.refresh_token })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(await refresh({ refresh_token: second.body.refresh_token })).toMatchObject({ status: 200 });
  });

  it('switches to another organization of the person; a refused switch keeps the token', async () => {
    const selected = await authenticate(emulator, {
      grant_type: 'password',
      email: 'twofold@acme.test',
      password: PASSWORD,
    });
    const { body } = await authenticate(emulator, {
      grant_type: 'urn:workos:oauth:grant-type:organization-selection',
      pending_authentication_token: selected.body.pending_authentication_token,
      organization_id: 'org_acme',
    });
    expect(await refresh({ refresh_token: body.refresh_token, organization_id: 'org_hooli' })).toMatchObject({
      status: 400,
    });
    const switched = await refresh({ refresh_token: body.refresh_token, organization_id: 'org_globex' });
    expect(decodeJwt(switched.body.access_token)).toMatchObject({ org_id: 'org_globex', role: 'owner' });
  });

  it('needs no secret, but refuses a wrong one', async () => {
    const { refresh_token } = await signIn(emulator, 'owner@globex.test');
    expect(await refresh({ refresh_token, client_secret: 'sk_wrong' })).toMatchObject({ status: 400 });
    expect(await refresh({ refresh_token, client_secret: undefined })).toMatchObject({ status: 200 });
  });

  it('stops when the session ends', async () => {
    const { refresh_token } = await signIn(emulator, 'owner@globex.test');
    forward(31 * 24 * 60 * 60 * 1000);
    expect(await refresh({ refresh_token })).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('signing in with a one-time code', () => {
  it('works once', async () => {
    const code = await requestCode();
    expect(await magicGrant(code, 'owner@acme.test')).toMatchObject({
      status: 400,
      body: { code: 'invalid_one_time_code' },
    });
    expect(await magicGrant(code)).toMatchObject({ status: 200, body: { authentication_method: 'MagicAuth' } });
    expect(await magicGrant(code)).toMatchObject({ status: 400, body: { code: 'invalid_one_time_code' } });
  });

  it('expires after ten minutes', async () => {
    const code = await requestCode();
    forward(10 * 60 * 1000);
    expect(await magicGrant(code)).toMatchObject({ status: 400 });
  });
});

describe('the session key', () => {
  it('verifies its tokens and no others', async () => {
    const { body: jwks } = await call(emulator, 'GET', '/sso/jwks/client_latchkey', { key: null });
    const { access_token: token } = await signIn(emulator, 'owner@acme.test');
    const keys = createLocalJWKSet(jwks);
    await expect(jwtVerify(token, keys, { currentDate: clock() })).resolves.toBeDefined();
    await expect(jwtVerify(await emulator.signMachineToken({ sub: 'x' }), keys)).rejects.toThrow('no applicable key');
    await expect(jwtVerify(token.slice(0, -8), keys, { currentDate: clock() })).rejects.toThrow(
      'signature verification failed',
    );
    expect(await call(emulator, 'GET', '/sso/jwks/client_x', { key: null })).toMatchObject({ status: 404 });
  });

  it('signs any claims of a test', async () => {
    const token = await emulator.signSessionToken({ sub: 'user_x', exp: 1 }, { kid: 'unknown' });
    expect(decodeJwt(token)).toEqual({ sub: 'user_x', exp: 1 });
    expect(decodeProtectedHeader(token).kid).toBe('unknown');
  });
});
