import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { SignJWT, decodeJwt } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { PROFILE } from '../support/local-workos.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { workos } = service;

afterEach(() => workos.faults.clear());

const INVALID = [401, 'credential_invalid'];
const EXPIRED = [401, 'credential_expired'];
const OK = [200, undefined];
const me = async (token: string) => outcome(await call(service, 'GET', '/v1/me/session', { token }));
const now = () => Math.floor(service.clock().getTime() / 1_000);
const acme = await service.organizations.add();
const good = await acme.session('owner');
const claims = decodeJwt(good);
const jwks = (await (await fetch(`${workos.url}/sso/jwks/${workos.clientId}`)).json()) as { keys: JsonWebKey[] };
const publicJwk = jwks.keys[0]!;
const kid = String(publicJwk['kid']);
const publicKey = createPublicKey({ key: publicJwk, format: 'jwk' });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const [head = '', payload = '', signature = ''] = good.split('.');
const sign = (header: object, key: KeyObject | Uint8Array) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(key);

describe('GET /v1/me/session', () => {
  test("accepts a user's session and shows the user", async () => {
    workos.behave({ organization_names: true });
    expect((await call(service, 'GET', '/v1/me/session', { token: good })).body).toEqual({
      kind: 'user',
      user_id: acme.userId('owner'),
      organization_id: acme.id,
      email: `owner@${acme.name}.test`,
      name: null,
      ip: '127.0.0.1',
      role: 'owner',
      permissions: ['apikeys:read', 'apikeys:write', 'audit:read', 'billing:write', 'members:write', 'workspace:read'],
      memberships: [
        {
          organization_id: acme.id,
          organization_name: acme.name,
          role: 'owner',
          billing: { status: 'active', posture: 'active' },
        },
      ],
    });
  });

  test.each([
    ['the full name', { name: ' Ada Byron ', first_name: 'Ada', last_name: 'Lovelace' }, 'Ada Byron'],
    ['first and last name', { first_name: 'Ada', last_name: 'Lovelace' }, 'Ada Lovelace'],
    ['the last name alone', { last_name: 'Lovelace' }, 'Lovelace'],
    ['at most 200 characters', { name: '\u{1f600}'.repeat(201) }, '\u{1f600}'.repeat(200)],
  ])('shows of a user %s', async (_what, names, shown) => {
    const other = await service.organizations.add();
    const userId = other.userId('owner');
    const headers = { authorization: `Bearer ${workos.apiKey}`, 'content-type': 'application/json' };
    const path = `${workos.url}/user_management/users/${userId}`;
    const changed = await fetch(path, { method: 'PUT', headers, body: JSON.stringify(names) });
    expect(changed.status).toBe(200);
    const { body } = await call(service, 'GET', '/v1/me/session', { token: await other.session('owner') });
    expect(body['name']).toBe(shown);
  });

  test('shows a membership whose organization WorkOS does not name', async () => {
    const other = await service.organizations.add();
    workos.behave({ organization_names: false });
    const { status, body } = await call(service, 'GET', '/v1/me/session', { token: await other.session('owner') });
    workos.behave({ profile: PROFILE });
    expect([status, body['memberships']]).toMatchObject([
      200,
      [{ organization_id: other.id, organization_name: null }],
    ]);
  });

  test("shows a user from WorkOS's last answer while WorkOS does not answer", async () => {
    const other = await service.organizations.add();
    const token = await other.session('owner');
    workos.faults.add({ kind: 'status', status: 503, path: '/user_management/users', times: 0 });
    expect(await me(token)).toEqual([503, 'workos_unavailable']);
    workos.faults.clear();
    expect(await me(token)).toEqual(OK);
    workos.faults.add({ kind: 'status', status: 503, path: '/user_management/users', times: 0 });
    expect(await me(token)).toEqual(OK);
  });
});

test.each(['', '/', `/user_management/${workos.clientId}`])('accepts the issuer that ends in %j', async (end) => {
  expect(await me(await acme.session('owner', { iss: `${workos.url}${end}` }))).toEqual(OK);
});

test('accepts a token whose audience is this client', async () => {
  expect(await me(await acme.session('owner', { aud: workos.clientId }))).toEqual(OK);
  expect(await me(await acme.session('owner', { aud: ['another', workos.clientId] }))).toEqual(OK);
});

test.each([
  ['another client', { client_id: 'client_other' }],
  ['another audience', { aud: 'client_other' }],
  ['an empty audience', { aud: [] }],
  ['a foreign issuer', { iss: 'https://auth.example.com' }],
  ['an issuer that only begins like ours', { iss: `${workos.url}.evil.test` }],
  ["another client's issuer", { iss: `${workos.url}/user_management/client_other` }],
  ['no issuer', { iss: undefined }],
  ['a list of issuers', { iss: [workos.url] }],
  ['no subject', { sub: undefined }],
  ['an empty subject', { sub: '' }],
  ['a subject with NUL', { sub: 'user_\0' }],
  ['a session id that is a number', { sid: 7 }],
  ['an empty session id', { sid: '' }],
  ['no session id', { sid: undefined }],
  ['no expiry', { exp: undefined }],
  ['no time of issue', { iat: undefined }],
  ['an expiry that is text', { exp: '9999999999' }],
  ['an organization with NUL', { org_id: 'org_a\0' }],
  ['an organization that is no id of WorkOS', { org_id: 'acme' }],
  ['a session id with NUL', { sid: 'session_\0' }],
  ['an organization that is a list', { org_id: ['org_a'] }],
  ['permissions that are text', { permissions: 'apikeys:write' }],
  ['permissions that are numbers', { permissions: [1] }],
  ['permissions without end', { permissions: Array.from({ length: 501 }, () => 'x') }],
  ['a start in the future', { nbf: now() + 60 }],
])('returns 401 for a well-signed token with %s', async (_what, change) => {
  expect(await me(await acme.session('owner', change))).toEqual(INVALID);
});

test('returns 401 credential_expired for an expired token, with a tolerance of seconds', async () => {
  expect(await me(await acme.session('owner', { exp: now() - 60 }))).toEqual(EXPIRED);
  expect(await me(await acme.session('owner', { exp: now() - 10 }))).toEqual(EXPIRED);
  expect(await me(await acme.session('owner', { exp: now() - 1 }))).toEqual(OK);
  expect(await me(await acme.session('owner', { nbf: now() + 2 }))).toEqual(OK);
});

test('ends a session by the clock', async () => {
  const other = await service.organizations.add();
  const token = await other.session('owner', { exp: now() + 60 });
  expect(await me(token)).toEqual(OK);
  service.clock.advance(70_000);
  expect(await me(token)).toEqual(EXPIRED);
});

test('returns 403 for a session without an organization', async () => {
  const token = await acme.session('owner', { org_id: undefined });
  expect(await me(token)).toEqual([403, 'permission_denied']);
});

test('lets a session without permissions use only routes that need none', async () => {
  const token = await acme.session('owner', { permissions: undefined });
  expect(await me(token)).toEqual(OK);
  expect(outcome(await call(service, 'GET', '/v1/api-keys', { token }))).toEqual([403, 'permission_denied']);
});

test.each([
  ['alg none, unsigned', () => `${part({ alg: 'none', kid })}.${payload}.`],
  ['alg None, unsigned', () => `${part({ alg: 'None', kid })}.${payload}.`],
  ['alg none with the old signature', () => `${part({ alg: 'none' })}.${payload}.${signature}`],
  ['no alg', () => `${part({ kid })}.${payload}.${signature}`],
  ['no signature', () => `${head}.${payload}.`],
  ['two parts', () => `${head}.${payload}`],
  ['four parts', () => `${good}.${signature}`],
  ['a changed payload', () => `${head}.${part({ ...claims, org_id: 'org_other' })}.${signature}`],
  ['a changed header', () => `${part({ alg: 'RS256', kid, x: 1 })}.${payload}.${signature}`],
  ['a payload that is no JSON', () => `${head}.${Buffer.from('{').toString('base64url')}.${signature}`],
  ['a payload that is null', () => `${head}.${part(null)}.${signature}`],
  ['nothing but a beginning', () => 'eyJ'],
  ["somebody else's key under our key id", () => sign({}, stranger.privateKey)],
  [
    "somebody else's key in the header",
    () => sign({ jwk: stranger.publicKey.export({ format: 'jwk' }) }, stranger.privateKey),
  ],
  ['an address of keys in the header', () => sign({ jku: 'http://127.0.0.1:1/' }, stranger.privateKey)],
  ['an unknown key id', () => sign({ kid: 'made-up' }, stranger.privateKey)],
  ['a key id that is a path', () => sign({ kid: '../../../dev/null' }, stranger.privateKey)],
  ['no key id, signed by a stranger', () => sign({ kid: undefined }, stranger.privateKey)],
  [
    'an extension that must be understood',
    () => `${part({ alg: 'RS256', kid, crit: ['x'], x: 1 })}.${payload}.${signature}`,
  ],
  ['PS256', () => sign({ alg: 'PS256' }, stranger.privateKey)],
  ['ES256', () => sign({ alg: 'ES256' }, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
  [
    'the public key as an HS256 secret (PEM)',
    () => sign({ alg: 'HS256' }, Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))),
  ],
  [
    'the public key as an HS256 secret (DER)',
    () => sign({ alg: 'HS256' }, publicKey.export({ type: 'spki', format: 'der' })),
  ],
  ['the public key as an HS256 secret (JWK)', () => sign({ alg: 'HS256' }, Buffer.from(JSON.stringify(publicJwk)))],
  ['the modulus as an HS256 secret', () => sign({ alg: 'HS256' }, Buffer.from(String(publicJwk['n']), 'base64url'))],
])('returns 401 for %s', async (_what, forge) => {
  expect(await me(await forge())).toEqual(INVALID);
});

test('returns 401 for a session signed with the key of machine tokens', async () => {
  expect(await me(await workos.signMachineToken(claims))).toEqual(INVALID);
  expect(await me(await workos.signMachineToken(claims, { kid }))).toEqual(INVALID);
});

test('accepts sessions while the JWKS cannot be fetched', async () => {
  expect(await me(good)).toEqual(OK);
  workos.faults.add({ kind: 'status', status: 503, path: '/sso/jwks', times: 0 });
  service.clock.advance(11 * 60_000);
  const owner = await acme.session('owner');
  const list = () => call(service, 'GET', '/v1/api-keys', { token: owner });
  expect(outcome(await list())).toEqual(OK);
  expect(outcome(await list())).toEqual(OK);
});

test('returns 503 for an unknown key id while the JWKS cannot be fetched, without a fetch each time', async () => {
  workos.faults.add({ kind: 'status', status: 503, path: '/sso/jwks', times: 0 });
  service.clock.advance(20_000);
  const fresh = { ...claims, iat: now(), exp: now() + 300 };
  const unknown = () => workos.signSessionToken(fresh, { kid: 'a-new-key' });
  const answer = await call(service, 'GET', '/v1/me/session', { token: await unknown() });
  expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
  expect(answer.headers.get('retry-after')).toBe('5');
  const asked = workos.requests().length;
  expect(await me(await unknown())).toEqual([503, 'workos_unavailable']);
  expect(workos.requests()).toHaveLength(asked);
});
