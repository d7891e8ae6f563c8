import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { PASSWORD, addPerson, login, logout, tokensOf } from '../sessions/sign-in/sign-in.ts';
import { startConsumer } from './consumer.ts';

const service = await startService({ TRUST_PROXY: '1' }, { product: { sessions: { password_sign_in: true } } });
const acme = await service.organizations.add();
const owner = await acme.session('owner');

const inOwnHeader = (token: string) => ({ headers: { 'x-access-token': token } });
async function start() {
  const consumer = await startConsumer(service);
  const withToken = (token: string, path = '/people', init: RequestInit = {}) =>
    consumer.ask(undefined, path, { ...inOwnHeader(token), ...init });
  return { consumer, withToken };
}

// Also checks the code of docs/reference/middleware.md.
describe('requireApiKey with sessions', () => {
  test('passes a person on in x-access-token and in Authorization, and sets req.person', async () => {
    const { consumer, withToken } = await start();
    const person = {
      organizationId: acme.id,
      userId: acme.userId('owner'),
      scopes: expect.arrayContaining(['workspace:read']) as string[],
    };
    expect(await withToken(owner)).toMatchObject({ status: 200, body: person });
    expect(await consumer.ask(owner, '/people')).toMatchObject({ status: 200, body: person });
    const both = { headers: { 'x-access-token': owner, authorization: `Bearer ${owner}` } };
    expect((await consumer.ask(undefined, '/people', both)).status).toBe(200);
  });

  test('goes on passing keys, which it does not read from x-access-token', async () => {
    const { consumer, withToken } = await start();
    const { value, id } = await createKey(service, owner);
    expect(await consumer.ask(value, '/people')).toMatchObject({ status: 200, body: { id } });
    expect(await withToken(value)).toMatchObject({ status: 401, code: 'credential_invalid' });
    expect(await consumer.ask(undefined, '/people')).toMatchObject({ status: 401, code: 'credential_missing' });
  });

  test('refuses two credentials that differ, and a token that no header can have', async () => {
    const { consumer, withToken } = await start();
    const { value } = await createKey(service, owner);
    const beside = { headers: { 'x-access-token': owner, 'x-api-key': value } };
    const other = await acme.session('member');
    const twoTokens = { headers: { 'x-access-token': owner, authorization: `Bearer ${other}` } };
    for (const init of [beside, twoTokens])
      expect((await consumer.ask(undefined, '/people', init)).body).toMatchObject({
        error: { code: 'credential_invalid', details: { credential: 'several' } },
      });
    for (const token of ['', 'two words'])
      expect(await withToken(token)).toMatchObject({ status: 401, code: 'credential_invalid' });
  });

  test('refuses a session on a route that does not take sessions', async () => {
    const { consumer, withToken } = await start();
    expect(await withToken(owner, '/tasks')).toMatchObject({ status: 401, code: 'credential_missing' });
    expect(await consumer.ask(owner, '/tasks')).toMatchObject({ status: 401, code: 'credential_invalid' });
  });

  test('refuses a machine, a missing scope and a person of another organization with 403', async () => {
    const { withToken } = await start();
    expect(await withToken(await acme.machineToken())).toMatchObject({ status: 403, code: 'permission_denied' });
    expect(await withToken(await acme.session('member'), '/billed')).toMatchObject({
      status: 403,
      body: { error: { code: 'permission_denied', details: { required_scopes: ['billing:write'] } } },
    });
    expect(await withToken(owner, '/theirs')).toMatchObject({ status: 403, code: 'permission_denied' });
  });

  test('refuses a session from the answer of its sign-out on', async () => {
    const { withToken } = await start();
    const { email } = await addPerson(service);
    const { access_token: token } = tokensOf(await login(service, { email, password: PASSWORD }));
    expect((await withToken(token)).status).toBe(200);
    expect((await logout(service, token)).status).toBe(200);
    expect(await withToken(token)).toMatchObject({
      status: 401,
      body: { error: { code: 'credential_expired', details: { reason: 'signed_out' } } },
    });
  });

  test('applies billing to the operation, and the address list to the address of the person', async () => {
    const { withToken } = await start();
    const late = await service.organizations.add({ status: 'past_due' });
    const token = await late.session('owner');
    expect((await withToken(token)).status).toBe(200);
    expect(await withToken(token, '/people', { method: 'POST' })).toMatchObject({ status: 423 });
    const list = { token: owner, body: { ip_allow_list: ['192.0.2.0/24'], force: true } };
    expect((await call(service, 'PUT', '/v1/organization/ip-allow-list', list)).status).toBe(200);
    expect(await withToken(owner)).toMatchObject({ status: 403, code: 'ip_not_allowed' });
  });

  test('answers 503 while Latchkey cannot be reached', async () => {
    const lost = await startConsumer({ ...service, asks: 'http://127.0.0.1:1' });
    const answer = await lost.ask(undefined, '/people', inOwnHeader(owner));
    expect([answer.status, answer.code]).toEqual([503, 'verification_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});
