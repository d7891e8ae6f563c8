import { createHash, X509Certificate } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, machineToken, signIn, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const introspect = (form: Record<string, string>) =>
  call(emulator, 'POST', '/oauth2/introspection', {
    key: null,
    form: { client_id: 'client_ci_acme', client_secret: 'secret_ci_acme', ...form },
  });
const keysAt = async (path: string) => (await call(emulator, 'GET', path, { key: null })).body;

describe('a machine token', () => {
  it('has the claims of its client and the requested scope', async () => {
    const { status, body, headers } = await machineToken(emulator, { scope: 'apikeys:write audit:read' });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 3600 });
    const claims = decodeJwt(body.access_token);
    expect(claims).toMatchObject({
      iss: emulator.url,
      aud: 'client_latchkey',
      sub: 'client_ci_acme',
      client_id: 'client_ci_acme',
      org_id: 'org_acme',
      scope: 'apikeys:write audit:read',
    });
    expect(claims.exp! - claims.iat!).toBe(3600);
    expect(claims).not.toHaveProperty('sid');
  });

  it('has every allowed scope if the request names none', async () => {
    expect((await machineToken(emulator)).body.scope).toBe('apikeys:read apikeys:write audit:read');
  });

  it('is refused for a scope that is not allowed', async () => {
    expect(await machineToken(emulator, { scope: 'apikeys:write members:write' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_scope' },
    });
  });

  it('is refused for a wrong client, secret or grant', async () => {
    expect(await machineToken(emulator, { client_secret: 'x' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await machineToken(emulator, { client_id: 'client_ci_globex' })).toMatchObject({ status: 401 });
    expect(await machineToken(emulator, { grant_type: 'password' })).toMatchObject({
      status: 400,
      body: { error: 'unsupported_grant_type' },
    });
  });

  it('is issued to a client with Basic authentication', async () => {
    const authorization = `Basic ${Buffer.from('client_ci_globex:secret_ci_globex').toString('base64')}`;
    const { body } = await call(emulator, 'POST', '/oauth2/token', {
      key: null,
      form: { grant_type: 'client_credentials' },
      headers: { authorization },
    });
    expect(decodeJwt(body.access_token)['org_id']).toBe('org_globex');
  });

  it('is active in introspection, unlike an expired or foreign token', async () => {
    const { access_token: token } = (await machineToken(emulator)).body;
    expect((await introspect({ token })).body).toMatchObject({ active: true, org_id: 'org_acme' });
    const expired = await emulator.signMachineToken({ sub: 'client_ci_acme', exp: 1 });
    const session = (await signIn(emulator, 'owner@acme.test')).access_token;
    for (const other of ['nonsense', expired, session])
      expect((await introspect({ token: other })).body).toEqual({ active: false });
    expect(await introspect({ token, client_secret: 'x' })).toMatchObject({ status: 401 });
  });
});

describe('the two keys', () => {
  it('differ, and each verifies only its own tokens', async () => {
    const session = await keysAt('/sso/jwks/client_latchkey');
    const machine = await keysAt('/oauth2/jwks');
    expect(session.keys[0].kid).not.toBe(machine.keys[0].kid);
    expect(session.keys[0].n).not.toBe(machine.keys[0].n);
    const { access_token: token } = (await machineToken(emulator)).body;
    const options = { issuer: emulator.url, audience: 'client_latchkey' };
    await expect(jwtVerify(token, createLocalJWKSet(machine), options)).resolves.toBeDefined();
    await expect(jwtVerify(token, createLocalJWKSet(session), options)).rejects.toThrow('no applicable key');
  });

  it('have self-signed certificates of their own that are valid now', async () => {
    for (const path of ['/sso/jwks/client_latchkey', '/oauth2/jwks']) {
      const [key] = (await keysAt(path)).keys;
      const bytes = Buffer.from(key.x5c[0], 'base64');
      const certificate = new X509Certificate(bytes);
      expect(certificate.verify(certificate.publicKey)).toBe(true);
      expect(certificate.publicKey.export({ format: 'jwk' })).toMatchObject({ n: key.n, e: key.e });
      expect(key['x5t#S256']).toBe(createHash('sha256').update(bytes).digest('base64url'));
      expect(new Date(certificate.validFrom).getTime()).toBeLessThanOrEqual(Date.now());
      expect(new Date(certificate.validTo).getTime()).toBeGreaterThan(Date.now());
    }
  });

  it('are published through discovery', async () => {
    const metadata = await keysAt('/.well-known/openid-configuration');
    expect(metadata).toMatchObject({
      issuer: emulator.url,
      token_endpoint: `${emulator.url}/oauth2/token`,
      jwks_uri: `${emulator.url}/oauth2/jwks`,
    });
    expect(await keysAt('/.well-known/oauth-authorization-server')).toEqual(metadata);
  });
});
