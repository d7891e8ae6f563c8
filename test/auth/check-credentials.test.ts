import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();
const acme = await service.organizations.add();
const session = await acme.session('owner');
const machine = await acme.machineToken('apikeys:read');
const key = await createKey(service, session);

const check = (what: 'api-key' | 'token', headers: Record<string, string>, body?: object) =>
  call(service, 'POST', `/v1/auth/check-${what}`, { headers, ...(body && { body }) });
const GOOD = { valid: true, organization_id: acme.id };

const expired = await acme.session('owner', { exp: 1_700_000_000 });

describe('POST /v1/auth/check-api-key', () => {
  test('returns credential_invalid for a revoked key, and credential_expired for an expired one', async () => {
    const [revoked, short] = [await createKey(service, session), await createKey(service, session)];
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token: session });
    await service
      .db('api_keys')
      .where({ workos_id: short.id })
      .update({ expires_at: new Date(0) });
    for (const [{ value }, code] of [
      [revoked, 'credential_invalid'],
      [short, 'credential_expired'],
    ] as const) {
      const { body } = await check('api-key', { 'x-api-key': value });
      expect([body.error.code, body.error.details]).toEqual([code, { credential: 'api_key' }]);
    }
  });

  test('returns 403 unless the credential has all named scopes, and 400 for an unknown scope', async () => {
    const headers = { 'x-api-key': key.value };
    expect((await check('api-key', headers, { scopes: ['workspace:read'] })).status).toBe(200);
    const few = await check('api-key', headers, { scopes: ['workspace:read', 'tasks:write'] });
    expect([outcome(few), few.body.error.details]).toEqual([
      [403, 'permission_denied'],
      { required_scopes: ['workspace:read', 'tasks:write'] },
    ]);
    const none = await check('api-key', headers, { scopes: ['workspace:read', 'no:such'] });
    expect([outcome(none), none.body.error.details]).toEqual([
      [400, 'validation_error'],
      { fields: { 'scopes.1': 'There is no such scope.' } },
    ]);
  });
});

describe('POST /v1/auth/check-api-key and /v1/auth/check-token', () => {
  test.each<['api-key' | 'token', Record<string, string>]>([
    ['api-key', { 'x-api-key': key.value }],
    ['api-key', { authorization: `Bearer ${key.value}` }],
    ['token', { 'x-access-token': session }],
    ['token', { authorization: `Bearer ${session}` }],
    ['token', { authorization: `Bearer ${machine}` }],
  ])('returns 200 to check-%s with a valid credential (%#)', async (what, headers) => {
    for (const body of [undefined, {}, { scopes: [] }]) {
      const answer = await check(what, headers, body);
      expect([answer.status, answer.body]).toEqual([200, GOOD]);
    }
  });

  test.each<[string, Record<string, string>, string, string]>([
    ['nothing at all', {}, 'credential_missing', 'none'],
    ['a wrong key', { 'x-api-key': 'sk_nobodys_key_but_long_enough' }, 'credential_invalid', 'api_key'],
    ['a wrong key as bearer', { authorization: 'Bearer sk_nobodys_key_but_long' }, 'credential_invalid', 'api_key'],
    ['rubbish for a key', { 'x-api-key': 'rubbish' }, 'credential_invalid', 'api_key'],
    ['a wrong token', { 'x-access-token': 'eyJhbGciOiJub25lIn0.e30.' }, 'credential_invalid', 'access_token'],
    ['rubbish for a token', { 'x-access-token': 'rubbish' }, 'credential_invalid', 'access_token'],
    ['an expired token', { authorization: `Bearer ${expired}` }, 'credential_expired', 'access_token'],
    ['a broken cookie', { cookie: 'wos_session=rubbish' }, 'credential_invalid', 'session_cookie'],
    ['a wrong service token', { authorization: 'Bearer svc_nobodys' }, 'credential_invalid', 'service_token'],
    ['rubbish as bearer', { authorization: 'Bearer rubbish' }, 'credential_invalid', 'unknown'],
    ['a key and a token', { 'x-api-key': key.value, 'x-access-token': session }, 'credential_invalid', 'several'],
  ])(
    'returns 401 for %s with its own code and credential name, here and on other routes',
    async (_what, headers, code, credential) => {
      for (const [method, path] of [
        ['POST', '/v1/auth/check-api-key'],
        ['POST', '/v1/auth/check-token'],
        ['GET', '/v1/api-keys'],
        ['GET', '/v1/auth/forward'],
      ] as const) {
        const { status, body } = await call(service, method, path, { headers });
        expect([status, body.error.code, body.error.details?.['credential']]).toEqual([401, code, credential]);
      }
    },
  );

  test('returns 403 for a credential of the other kind', async () => {
    const denied = [403, 'permission_denied'];
    expect(outcome(await check('api-key', { authorization: `Bearer ${session}` }))).toEqual(denied);
    expect(outcome(await check('token', { authorization: `Bearer ${key.value}` }))).toEqual(denied);
    for (const what of ['api-key', 'token'] as const)
      expect(outcome(await check(what, { authorization: `Bearer ${SERVICE_TOKEN}` }))).toEqual(denied);
  });
});

describe('POST /v1/auth/check-token', () => {
  test('returns 404 organization_not_found for an unknown or deleted organization', async () => {
    const unknown = await service.organizations.add(null);
    const gone = await service.organizations.add();
    await service.db('tenants').where({ organization_id: gone.id }).update({ deleted_at: new Date() });
    for (const organization of [unknown, gone]) {
      const headers = { authorization: `Bearer ${await organization.session('owner')}` };
      expect(outcome(await check('token', headers))).toEqual([404, 'organization_not_found']);
    }
  });
});
