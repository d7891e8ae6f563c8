import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService({ TRUST_PROXY: '1' });
const INSIDE = '192.0.2.7';
const OUTSIDE = '198.51.100.1';

async function boundKey(list: string[] = ['192.0.2.0/24', '2001:db8::/32'], more: object = {}) {
  const acme = await service.organizations.add();
  const owner = await acme.session('owner');
  return { acme, owner, key: await createKey(service, owner, { ip_allow_list: list, ...more }) };
}

const verify = async (key: string, ip?: string, use: object = {}) =>
  (await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key, ip, ...use } })).body;
const code = async (key: string, ip?: string) => (await verify(key, ip))['code'];
const forward = (key: string, ip: string, query = '') =>
  call(service, 'GET', `/v1/auth/forward${query}`, { headers: { 'x-api-key': key, 'x-forwarded-for': ip } });

describe('POST /v1/api-keys/verify of a key with an IP allow list', () => {
  test('accepts a bound key from its addresses only, from the mirror and from memory', async () => {
    const { key } = await boundKey();
    for (let i = 0; i < 2; i++) {
      expect(await code(key.value, INSIDE)).toBe('valid');
      expect(await code(key.value, `::ffff:${INSIDE}`)).toBe('valid');
      expect(await code(key.value, '2001:db8:0::9')).toBe('valid');
      expect(await code(key.value, OUTSIDE)).toBe('ip_not_allowed');
    }
  });

  test('refuses a bound key without an address', async () => {
    const { key } = await boundKey();
    expect(await verify(key.value)).toMatchObject({ valid: false, code: 'ip_not_allowed', id: key.id });
    expect(await code(key.value)).toBe('ip_not_allowed');
  });

  test('judges each key of a batch by its own address', async () => {
    const { key } = await boundKey();
    const keys = [INSIDE, OUTSIDE, undefined].map((ip) => ({ key: key.value, ip }));
    const { body } = await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { keys } });
    expect(body.data.map((verdict) => verdict['code'])).toEqual(['valid', 'ip_not_allowed', 'ip_not_allowed']);
  });

  test('returns ip_restricted for a bound key', async () => {
    const { key, owner } = await boundKey();
    expect(await verify(key.value, INSIDE)).toMatchObject({ valid: true, ip_restricted: true });
    const free = await createKey(service, owner);
    expect(await verify(free.value)).toMatchObject({ valid: true, ip_restricted: false });
  });

  test('applies a list of the organization to all its keys at once, besides their own', async () => {
    const { key, owner } = await boundKey(['192.0.2.0/25']);
    const free = await createKey(service, owner);
    expect([await code(free.value), await code(key.value, INSIDE)]).toEqual(['valid', 'valid']);
    const put = (ip_allow_list: string[]) =>
      call(service, 'PUT', '/v1/organization/ip-allow-list', { token: owner, body: { ip_allow_list, force: true } });
    await put(['192.0.2.7', '192.0.2.200', '127.0.0.1']);
    expect([await code(free.value), await code(free.value, '192.0.2.200')]).toEqual(['ip_not_allowed', 'valid']);
    expect(await code(key.value, '192.0.2.200')).toBe('ip_not_allowed');
    expect(await code(key.value, '192.0.2.8')).toBe('ip_not_allowed');
    expect(await code(key.value, INSIDE)).toBe('valid');
    await put([]);
    expect([await code(free.value), await code(key.value, '192.0.2.8')]).toEqual(['valid', 'valid']);
  });

  test('returns revoked before ip_not_allowed, and that before scopes and billing', async () => {
    const { key, owner, acme } = await boundKey();
    await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, {
      token: SERVICE_TOKEN,
      body: { status: 'past_due' },
    });
    const use = { scopes: ['caps:write'], operation: 'create' };
    expect((await verify(key.value, OUTSIDE, use))['code']).toBe('ip_not_allowed');
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    expect(await code(key.value, OUTSIDE)).toBe('revoked');
  });
});

describe('GET /v1/auth/forward with a key that has an IP allow list', () => {
  test('judges a proxied request by the address of its client', async () => {
    const { key } = await boundKey();
    for (let i = 0; i < 2; i++) {
      expect(outcome(await forward(key.value, INSIDE))).toEqual([200, undefined]);
      expect(outcome(await forward(key.value, OUTSIDE))).toEqual([403, 'ip_not_allowed']);
      expect(outcome(await forward(key.value, OUTSIDE, '?map=403'))).toEqual([403, 'ip_not_allowed']);
      // What a client says of itself is farther away than the one proxy that is trusted.
      expect(outcome(await forward(key.value, `${INSIDE}, ${OUTSIDE}`))).toEqual([403, 'ip_not_allowed']);
    }
  });
});

describe('POST /v1/api-keys/verify and GET /v1/auth/forward', () => {
  test('spends no limit of the key on a refused address', async () => {
    const { key } = await boundKey([INSIDE], { rate_limit: { limit: 2, window_seconds: 60 } });
    for (let i = 0; i < 5; i++) expect(await code(key.value, OUTSIDE)).toBe('ip_not_allowed');
    for (let i = 0; i < 5; i++) expect((await forward(key.value, OUTSIDE)).status).toBe(403);
    expect([await code(key.value, INSIDE), await code(key.value, INSIDE), await code(key.value, INSIDE)]).toEqual([
      'valid',
      'valid',
      'rate_limited',
    ]);
  });

  test('counts a refused use as ip_not_allowed', async () => {
    const { key, owner } = await boundKey();
    await code(key.value, OUTSIDE);
    await forward(key.value, OUTSIDE);
    await service.background.runOnce('flush_usage');
    const { body } = await call(service, 'GET', `/v1/api-keys/${key.id}/usage`, { token: owner });
    expect(body['codes']).toEqual({ ip_not_allowed: 2 });
  });
});
