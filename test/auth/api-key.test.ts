import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();

const OK = [200, undefined];
const INVALID = [401, 'credential_invalid'];
const MISSING = [401, 'credential_missing'];
const me = (headers: Record<string, string>) => call(service, 'GET', '/v1/me/session', { headers });

async function organizationWithKey(permissionSet = 'full_access') {
  const acme = await service.organizations.add();
  const owner = await acme.session('owner');
  const key = await createKey(service, owner, { label: 'CI', permission_set: permissionSet });
  return { acme, owner, key };
}

describe('GET /v1/me/session', () => {
  test.each(['authorization', 'x-api-key'])('accepts a key in %s and names it', async (name) => {
    const { acme, key } = await organizationWithKey();
    const { body } = await me({ [name]: name === 'authorization' ? `Bearer ${key.value}` : key.value });
    expect(body).toEqual({
      kind: 'api_key',
      user_id: 'user_system_api_key',
      organization_id: acme.id,
      api_key_id: key.id,
      api_key_label: 'CI',
      api_key_permission_set: 'full_access',
      ip: '127.0.0.1',
      permissions: ['audit:read', 'caps:write', 'tasks:write', 'workspace:read', 'workspace:write'],
    });
  });

  test('accepts the same key in both headers, and returns 401 for two that differ', async () => {
    const { owner, key } = await organizationWithKey();
    const other = await createKey(service, owner);
    const both = (apiKey: string) => me({ authorization: `Bearer ${key.value}`, 'x-api-key': apiKey });
    expect(outcome(await both(key.value))).toEqual(OK);
    expect(outcome(await both(other.value))).toEqual(INVALID);
  });

  test('returns 401 for a key with one changed character', async () => {
    const { key } = await organizationWithKey();
    const { value } = key;
    const flipped = value.slice(0, -1) + (value.endsWith('A') ? 'B' : 'A');
    for (const wrong of [flipped, value.slice(0, -1), `${value}A`, value.toUpperCase(), key.prefix, `sk_${key.id}`]) {
      expect(outcome(await me({ 'x-api-key': wrong }))).toEqual(INVALID);
    }
  });

  test("returns 401 for the service's own WorkOS secret", async () => {
    expect(outcome(await me({ 'x-api-key': service.workos.apiKey }))).toEqual(INVALID);
    expect(outcome(await me({ authorization: `Bearer ${service.workos.apiKey}` }))).toEqual(INVALID);
  });

  test('ignores a key in the query string', async () => {
    const { owner, key } = await organizationWithKey();
    for (const name of ['api_key', 'apiKey', 'key', 'token', 'access_token']) {
      const path = `/v1/me/session?${name}=${key.value}`;
      expect(outcome(await call(service, 'GET', path))).toEqual(MISSING);
      expect(outcome(await call(service, 'GET', path, { token: owner }))).toEqual([400, 'validation_error']);
    }
  });
});

test('returns 403 to a key that creates, changes or revokes keys, even with the scope in its row', async () => {
  const { acme, key } = await organizationWithKey();
  await service
    .db('api_keys')
    .where({ organization_id: acme.id })
    .update({ scopes: ['apikeys:write', 'apikeys:read'] });
  const token = key.value;
  expect((await me({ 'x-api-key': token })).body['permissions']).toEqual(['apikeys:read']);
  const path = `/v1/api-keys/${key.id}`;
  const body = { label: 'more', permission_set: 'full_access' };
  for (const answer of [
    await call(service, 'POST', '/v1/api-keys', { token, body }),
    await call(service, 'PATCH', path, { token, body: { label: 'x' } }),
    await call(service, 'DELETE', path, { token }),
  ]) {
    expect(outcome(answer)).toEqual([403, 'permission_denied']);
  }
  expect((await me({ 'x-api-key': token })).body['api_key_label']).toBe('CI');
});

describe('GET /v1/api-keys and /v1/api-keys/{id}', () => {
  test('returns 403 to a key of any permission set', async () => {
    for (const permissionSet of ['full_access', 'submit_observe', 'read_only']) {
      const { key } = await organizationWithKey(permissionSet);
      for (const path of ['/v1/api-keys', `/v1/api-keys/${key.id}`]) {
        expect(outcome(await call(service, 'GET', path, { token: key.value }))).toEqual([403, 'permission_denied']);
      }
    }
  });
});

test('lets a key read what its permission set allows', async () => {
  const { key } = await organizationWithKey('read_only');
  for (const path of ['/v1/audit-events', '/v1/organization', '/v1/permission-sets', '/v1/api-keys/permissions']) {
    expect(outcome(await call(service, 'GET', path, { token: key.value }))).toEqual(OK);
  }
});

test('ignores a key in the body or in a cookie', async () => {
  const { key } = await organizationWithKey();
  const body = { label: 'a', permission_set: 'read_only', api_key: key.value };
  expect(outcome(await call(service, 'POST', '/v1/api-keys', { body }))).toEqual(MISSING);
  expect(outcome(await me({ cookie: `api_key=${key.value}` }))).toEqual(MISSING);
  expect(outcome(await me({ cookie: `wos_session=${key.value}` }))).toEqual(INVALID);
});
