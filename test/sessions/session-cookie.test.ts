import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { sealSession } from '../support/sealed-session.ts';
import { startService } from '../support/service.ts';

const service = await startService();

const OK = [200, undefined];
const INVALID = [401, 'credential_invalid'];
const cookieOf = async (token: string, password?: string) =>
  service.workos.sessionCookie(await sealSession(token, password));
const get = async (cookie: string, headers: Record<string, string> = {}) =>
  outcome(await call(service, 'GET', '/v1/me/session', { headers: { cookie, ...headers } }));

const own = service.url;

describe('PATCH and DELETE /v1/api-keys/{id} with a session cookie', () => {
  test.each(['PATCH', 'DELETE'])('returns 403 to a cross-origin %s, and changes nothing', async (method) => {
    const acme = await service.organizations.add();
    const token = await acme.session('owner');
    const key = await createKey(service, token, { label: 'kept' });
    const answer = await call(service, method, `/v1/api-keys/${key.id}`, {
      headers: { cookie: await cookieOf(token), 'sec-fetch-site': 'cross-site' },
      body: { label: 'changed' },
    });
    expect(outcome(answer)).toEqual([403, 'permission_denied']);
    const { body } = await call(service, 'GET', `/v1/api-keys/${key.id}`, { token });
    expect(body).toMatchObject({ label: 'kept', status: 'active' });
  });
});

describe('GET /v1/me/session with a session cookie', () => {
  test('accepts a session that the SDK sealed', async () => {
    const acme = await service.organizations.add();
    const cookie = await cookieOf(await acme.session('owner'));
    const { body } = await call(service, 'GET', '/v1/me/session', { headers: { cookie } });
    expect(body).toMatchObject({ kind: 'user', user_id: acme.userId('owner'), organization_id: acme.id });
  });

  test('finds the cookie among others, percent-encoded or not', async () => {
    const acme = await service.organizations.add();
    const sealed = await sealSession(await acme.session());
    expect(await get(`a=b; wos_session=${sealed}; wos_session_x=1; c`)).toEqual(OK);
    expect(await get(`wos_session=${encodeURIComponent(sealed)}`)).toEqual(OK);
  });

  test('returns 401 credential_expired for a cookie whose session has expired', async () => {
    const acme = await service.organizations.add();
    const expired = await acme.session('owner', { exp: Math.floor(service.clock().getTime() / 1_000) - 60 });
    expect(await get(await cookieOf(expired))).toEqual([401, 'credential_expired']);
  });

  test('returns 401 for a session that was sealed with another password', async () => {
    const acme = await service.organizations.add();
    const cookie = await cookieOf(await acme.session(), 'another password of thirty-two characters');
    expect(await get(cookie)).toEqual(INVALID);
  });

  test('returns 401 for a changed seal', async () => {
    const acme = await service.organizations.add();
    const sealed = await sealSession(await acme.session());
    const middle = Math.floor(sealed.length / 2);
    const changed = `${sealed.slice(0, middle)}${sealed[middle] === 'A' ? 'B' : 'A'}${sealed.slice(middle + 1)}`;
    expect(await get(`wos_session=${changed}`)).toEqual(INVALID);
  });

  test.each(['x', 'Fe26.2**', '%', '%00', `Fe26.2*1*${'a*'.repeat(8)}`, 'x'.repeat(9_000), 'eyJhbGciOiJub25lIn0.e30.'])(
    'returns 401 for %j in the cookie',
    async (value) => {
      expect(await get(`wos_session=${value}`)).toEqual(INVALID);
    },
  );

  test('returns 401 for an unsealed token in the cookie', async () => {
    const acme = await service.organizations.add();
    expect(await get(`wos_session=${await acme.session()}`)).toEqual(INVALID);
  });

  test('ignores an empty cookie', async () => {
    expect(await get('wos_session=')).toEqual([401, 'credential_missing']);
  });

  test('returns 401 for two cookies that differ', async () => {
    const acme = await service.organizations.add();
    const [one, two] = [await cookieOf(await acme.session('owner')), await cookieOf(await acme.session('member'))];
    expect(await get(`${one}; ${two}`)).toEqual(INVALID);
    expect(await get(`${one}; ${one}`)).toEqual(OK);
  });

  test('accepts a cookie beside the same bearer token, and returns 401 beside another', async () => {
    const acme = await service.organizations.add();
    const token = await acme.session('owner');
    const cookie = await cookieOf(token);
    const key = await createKey(service, token);
    expect(await get(cookie, { authorization: `Bearer ${token}` })).toEqual(OK);
    expect(await get(cookie, { 'x-access-token': token })).toEqual(OK);
    expect(await get(cookie, { authorization: `Bearer ${await acme.session('member')}` })).toEqual(INVALID);
    expect(await get(cookie, { 'x-api-key': key.value })).toEqual(INVALID);
    expect(await get(cookie, { authorization: `Bearer ${key.value}` })).toEqual(INVALID);
  });

  test('accepts a read without an origin', async () => {
    const acme = await service.organizations.add();
    expect(await get(await cookieOf(await acme.session()), { 'sec-fetch-site': 'cross-site' })).toEqual(OK);
  });
});

describe('POST /v1/api-keys with a session cookie', () => {
  test.each([
    ['says same-origin', 201, { 'sec-fetch-site': 'same-origin' }],
    ['says same-origin by its Origin', 201, { origin: own }],
    ['says nothing', 403, {}],
    ['comes from another site', 403, { 'sec-fetch-site': 'cross-site' }],
    ['comes from a sister site', 403, { 'sec-fetch-site': 'same-site' }],
    ['comes from nowhere', 403, { 'sec-fetch-site': 'none' }],
    ['comes from another site and lies with Origin', 403, { 'sec-fetch-site': 'cross-site', origin: own }],
    ['comes from another origin', 403, { origin: 'https://evil.test' }],
    ['comes from another port', 403, { origin: own.replace(/\d+$/, '1') }],
    ['comes over another scheme', 403, { origin: own.replace('http:', 'https:') }],
    ['comes from an opaque origin', 403, { origin: 'null' }],
    ['only names us as its referrer', 403, { referer: `${own}/docs` }],
  ])('answers a request that %s with %i', async (_what, status, headers) => {
    const acme = await service.organizations.add();
    const cookie = await cookieOf(await acme.session('owner'));
    const answer = await call(service, 'POST', '/v1/api-keys', {
      headers: { cookie, ...(headers as Record<string, string>) },
      body: { label: 'a', permission_set: 'read_only' },
    });
    expect(outcome(answer)).toEqual([status, status === 403 ? 'permission_denied' : undefined]);
  });

  test('accepts a bearer token without an origin, with or without a cookie', async () => {
    const acme = await service.organizations.add();
    const token = await acme.session('owner');
    const body = { label: 'a', permission_set: 'read_only' };
    const headers = { 'sec-fetch-site': 'cross-site', cookie: await cookieOf(token) };
    expect((await call(service, 'POST', '/v1/api-keys', { token, body, headers })).status).toBe(201);
  });
});
