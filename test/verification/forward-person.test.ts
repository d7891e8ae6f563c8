import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { rawCall } from '../support/raw.ts';
import { sealSession } from '../support/sealed-session.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { PASSWORD, addPerson, login, logout, tokensOf } from '../sessions/sign-in/sign-in.ts';

const service = await startService({ TRUST_PROXY: '1' }, { product: { sessions: { password_sign_in: true } } });
const acme = await service.organizations.add();
const owner = await acme.session('owner');

const FORWARD = '/v1/auth/forward';
const PEOPLE = `${FORWARD}?sessions=true`;
const OK = [200, undefined];
const DENIED = [403, 'permission_denied'];

const forward = (path: string, headers: Record<string, string>) => call(service, 'GET', path, { headers });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const inOwnHeader = (token: string) => ({ 'x-access-token': token });

describe('GET /v1/auth/forward with a session', () => {
  test.each([
    ['x-access-token', inOwnHeader],
    ['Authorization', bearer],
  ])('passes in %s, described by headers that leave none of the client standing', async (_name, carrying) => {
    const answer = await forward(`${PEOPLE}&scope=workspace:read`, carrying(owner));
    expect(outcome(answer)).toEqual(OK);
    const valueOf = (name: string) => answer.headers.get(`x-latchkey-${name}`);
    expect([valueOf('organization-id'), valueOf('owner-id')]).toEqual([acme.id, acme.userId('owner')]);
    expect(valueOf('scopes')?.split(' ')).toContain('workspace:read');
    expect([valueOf('key-id'), valueOf('environment'), valueOf('permission-set')]).toEqual(['', '', '']);
    expect(answer.body).toMatchObject({ organization_id: acme.id, key_id: null, environment: null });
  });

  test('is refused where the proxy does not ask for it', async () => {
    for (const path of [FORWARD, `${FORWARD}?sessions=false`])
      expect(outcome(await forward(path, inOwnHeader(owner)))).toEqual(DENIED);
    expect(outcome(await forward(`${FORWARD}?sessions=yes`, inOwnHeader(owner)))).toEqual(DENIED);
    const key = await createKey(service, owner);
    expect(outcome(await forward(`${FORWARD}?sessions=yes`, { 'x-api-key': key.value }))[0]).toBe(400);
  });

  test('leaves keys and their refusals as they are', async () => {
    const key = await createKey(service, owner, { permission_set: 'read_only' });
    const answer = await forward(`${PEOPLE}&scope=workspace:read`, { 'x-api-key': key.value });
    expect([answer.status, answer.headers.get('x-latchkey-key-id')]).toEqual([200, key.id]);
    expect(outcome(await forward(`${PEOPLE}&scope=caps:write`, { 'x-api-key': key.value }))).toEqual(DENIED);
    expect(outcome(await forward(PEOPLE, inOwnHeader(key.value)))).toEqual([401, 'credential_invalid']);
    expect(outcome(await forward(PEOPLE, { ...inOwnHeader(owner), 'x-api-key': key.value }))).toEqual([
      401,
      'credential_invalid',
    ]);
  });

  test('needs the scopes, and belongs to the organization that is asked about', async () => {
    const member = await acme.session('member');
    const refused = await forward(`${PEOPLE}&scope=billing:write`, inOwnHeader(member));
    expect([outcome(refused), refused.headers.get('x-latchkey-owner-id')]).toEqual([DENIED, null]);
    const other = await service.organizations.add();
    expect(outcome(await forward(`${PEOPLE}&organization_id=${other.id}`, inOwnHeader(owner)))).toEqual(DENIED);
    expect(outcome(await forward(`${PEOPLE}&organization_id=${acme.id}`, inOwnHeader(owner)))).toEqual(OK);
  });

  test('is refused when it expired, when the person signed out, and for machines and services', async () => {
    const { email } = await addPerson(service);
    const { access_token: token } = tokensOf(await login(service, { email, password: PASSWORD }));
    expect(outcome(await forward(PEOPLE, inOwnHeader(token)))).toEqual(OK);
    expect((await logout(service, token)).status).toBeLessThan(300);
    expect(outcome(await forward(PEOPLE, inOwnHeader(token)))).toEqual([401, 'credential_expired']);
    for (const other of [await acme.machineToken(), SERVICE_TOKEN])
      expect(outcome(await forward(PEOPLE, bearer(other)))).toEqual(DENIED);
    const early = await acme.session('owner');
    service.clock.advance(3_600_000);
    expect(outcome(await forward(PEOPLE, inOwnHeader(early)))).toEqual([401, 'credential_expired']);
  });

  test('is judged by billing like a key, and counts towards no rate', async () => {
    const late = await service.organizations.add({ status: 'past_due' });
    const token = await late.session('owner');
    const ask = (method: string, path = PEOPLE) => rawCall(service, method, path, { headers: inOwnHeader(token) });
    expect((await ask('GET')).status).toBe(200);
    expect((await ask('DELETE')).status).toBe(200);
    expect((await ask('POST')).status).toBe(423);
    expect((await ask('POST', `${PEOPLE}&map=403`)).status).toBe(403);
    expect((await ask('POST', `${PEOPLE}&operation=read`)).status).toBe(200);
    const { headers } = await forward(PEOPLE, inOwnHeader(token));
    expect([...headers.keys()].filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  });

  test('does not pass in a cookie, which browsers send for other pages, too', async () => {
    const headers = {
      cookie: `wos_session=${await sealSession(await acme.session('owner'))}`,
      'sec-fetch-site': 'same-origin',
    };
    expect((await call(service, 'GET', '/v1/me/session', { headers })).status).toBe(200);
    expect(outcome(await forward(PEOPLE, headers))).toEqual([401, 'credential_missing']);
  });

  test('of an impersonator passes for what the product permits', async () => {
    const body = {
      user_id: acme.userId('owner'),
      organization_id: acme.id,
      impersonator: { email: 'support@product.test' },
    };
    const opened = await atWorkos<{ access_token: string }>(service, 'POST', '/_emulator/impersonations', body);
    const ask = (operation: string) => forward(`${PEOPLE}&operation=${operation}`, inOwnHeader(opened.access_token));
    expect(outcome(await ask('read'))).toEqual(OK);
    expect(outcome(await ask('create'))).toEqual(DENIED);
  });

  test('is refused from an address that the organization does not allow', async () => {
    const guarded = await service.organizations.add();
    const token = await guarded.session('owner');
    const list = { token, body: { ip_allow_list: ['192.0.2.0/24'], force: true } };
    expect((await call(service, 'PUT', '/v1/organization/ip-allow-list', list)).status).toBe(200);
    const from = (ip: string) => forward(PEOPLE, { ...inOwnHeader(token), 'x-forwarded-for': ip });
    expect(outcome(await from('192.0.2.7'))).toEqual(OK);
    expect(outcome(await from('198.51.100.1'))).toEqual([403, 'ip_not_allowed']);
  });
});
