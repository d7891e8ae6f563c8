import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { rawCall } from '../support/raw.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();

const OK = [200, undefined];
const INVALID = [401, 'credential_invalid'];
const acme = await service.organizations.add();
const session = await acme.session('owner');
const member = await acme.session('member');
const machine = await acme.machineToken('');
const { value: key } = await createKey(service, session);
const { value: otherKey } = await createKey(service, session);

const me = async (headers: Record<string, string | string[]>) =>
  outcome(await rawCall(service, 'GET', '/v1/me/session', { headers }));

describe('GET /v1/me/session', () => {
  test('returns 401 credential_missing without a credential', async () => {
    expect(await me({})).toEqual([401, 'credential_missing']);
  });

  test.each<[string, Record<string, string>]>([
    ['a session as bearer', { authorization: `Bearer ${session}` }],
    ['a session in x-access-token', { 'x-access-token': session }],
    ['a machine token as bearer', { authorization: `Bearer ${machine}` }],
    ['a machine token in x-access-token', { 'x-access-token': machine }],
    ['a key as bearer', { authorization: `Bearer ${key}` }],
    ['a key in x-api-key', { 'x-api-key': key }],
    ['the scheme in any case and spaces around', { authorization: `  bEaReR   ${session}  ` }],
    ['the same session twice', { authorization: `Bearer ${session}`, 'x-access-token': session }],
    ['the same key twice', { authorization: `Bearer ${key}`, 'x-api-key': key }],
  ])('accepts %s', async (_what, headers) => {
    expect(await me(headers)).toEqual(OK);
  });

  test.each<[string, Record<string, string | string[]>]>([
    ['a session in x-api-key', { 'x-api-key': session }],
    ['a machine token in x-api-key', { 'x-api-key': machine }],
    ['a key in x-access-token', { 'x-access-token': key }],
    ['a service token in x-api-key', { 'x-api-key': SERVICE_TOKEN }],
    ['a service token in x-access-token', { 'x-access-token': SERVICE_TOKEN }],
    ['a session in its place and in x-api-key', { authorization: `Bearer ${session}`, 'x-api-key': session }],
    ['two sessions', { authorization: `Bearer ${session}`, 'x-access-token': member }],
    ['two keys', { authorization: `Bearer ${key}`, 'x-api-key': otherKey }],
    ['a session and a key', { authorization: `Bearer ${session}`, 'x-api-key': key }],
    ['a session and a machine token', { authorization: `Bearer ${session}`, 'x-access-token': machine }],
    ['a good credential and garbage', { authorization: `Bearer ${session}`, 'x-api-key': 'garbage' }],
    ['a good credential and an empty header', { authorization: `Bearer ${session}`, 'x-api-key': '' }],
    ['Authorization twice, which differ', { authorization: [`Bearer ${session}`, `Bearer ${member}`] }],
    ['Authorization twice, the second empty', { authorization: [`Bearer ${session}`, ''] }],
    ['x-api-key twice, which differ', { 'x-api-key': [key, otherKey] }],
    ['two keys in one header', { 'x-api-key': `${key}, ${otherKey}` }],
    ['another scheme', { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` }],
    ['no scheme', { authorization: session }],
    ['a scheme alone', { authorization: 'Bearer' }],
    ['two words', { authorization: `Bearer ${session} ${session}` }],
    ['an empty header', { authorization: '' }],
    ['an unknown prefix', { authorization: 'Bearer pk_0123456789012345678901234567890' }],
    ['a token of 9 KiB', { authorization: `Bearer eyJ${'a'.repeat(9 * 1024)}` }],
    ['a key of 9 KiB', { 'x-api-key': `sk_${'a'.repeat(9 * 1024)}` }],
    ['a key of other letters', { 'x-api-key': 'sk_äöü\u00ff0123456789012345' }],
  ])('returns 401 for %s', async (_what, headers) => {
    expect(await me(headers)).toEqual(INVALID);
  });

  test('accepts one credential that is sent twice in the same header', async () => {
    expect(await me({ authorization: [`Bearer ${session}`, `Bearer ${session}`] })).toEqual(OK);
    expect(await me({ 'x-api-key': [key, key] })).toEqual(OK);
  });

  test.each(['x-user-id', 'x-organization-id', 'x-org-id', 'x-forwarded-user', 'x-role'])(
    'ignores %s',
    async (name) => {
      const other = await service.organizations.add();
      const headers = { [name]: other.id, authorization: `Bearer ${session}` };
      const { body } = await call(service, 'GET', '/v1/me/session', { headers });
      expect(body).toMatchObject({ organization_id: acme.id, user_id: acme.userId('owner'), role: 'owner' });
      expect(await me({ [name]: other.id })).toEqual([401, 'credential_missing']);
    },
  );
});
