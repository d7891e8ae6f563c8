import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { workosRequests } from '../support/workos-keys.ts';

const LIMIT = 5;
const service = await startService({ LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: `${LIMIT}`, TRUST_PROXY: '1' });
const acme = await service.organizations.add();
const owner = await acme.session();

let addresses = 0;
const newAddress = () => `192.0.2.${++addresses}`;
const at = (address: string, token: string, path = '/v1/me/session') =>
  call(service, 'GET', path, { token, headers: { 'x-forwarded-for': address } });
const times = async (count: number, act: (i: number) => Promise<unknown>) => {
  for (let i = 0; i < count; i++) await act(i);
};
const guess = (i: number) => `sk_nobodys_key_but_long_enough_${i}`;
const questions = () => workosRequests(service, 'POST', '/api_keys/validations');

const OK = [200, undefined];
const INVALID = [401, 'credential_invalid'];
const LIMITED = [429, 'rate_limited'];

test('accepts good credentials from a limited address, even those that are not in memory', async () => {
  const [known, unknown] = [await createKey(service, owner), await createKey(service, owner)];
  const address = newAddress();
  expect(outcome(await at(address, known.value))).toEqual(OK);
  await times(LIMIT + 1, (i) => at(address, guess(i)));
  for (const token of [known.value, owner, await acme.machineToken('apikeys:read')]) {
    expect(outcome(await at(address, token))).toEqual(OK);
  }
  const verify = { key: known.value };
  const headers = { 'x-forwarded-for': address };
  expect(
    outcome(await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: verify, headers })),
  ).toEqual(OK);
  const asked = questions();
  expect(outcome(await at(address, guess(100)))).toEqual(LIMITED);
  expect(outcome(await at(address, unknown.value))).toEqual(OK);
  expect(questions()).toBe(asked);
});

describe('GET /v1/auth/forward', () => {
  test('returns 403 instead of 429 to a proxy with map=403', async () => {
    const address = newAddress();
    await times(LIMIT + 1, (i) => at(address, guess(i), '/v1/auth/forward'));
    expect(outcome(await at(address, guess(0), '/v1/auth/forward'))).toEqual(LIMITED);
    expect(outcome(await at(address, guess(0), '/v1/auth/forward?map=403'))).toEqual([403, 'rate_limited']);
  });
});

describe('POST /v1/api-keys/verify', () => {
  test('counts keys that a service verifies against the address that it names alone', async () => {
    const ask = (key: string, more: object) =>
      call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key, ...more } });
    const key = await createKey(service, await acme.session());
    await times(3 * LIMIT, async (i) => expect((await ask(guess(i), {})).body['code']).toBe('not_found'));
    const ip = newAddress();
    await times(LIMIT, async (i) => expect((await ask(guess(i), { ip })).body['code']).toBe('not_found'));
    const refused = await ask(guess(9), { ip });
    expect(refused.body).toMatchObject({
      code: 'rate_limited',
      id: null,
      retry_after: expect.any(Number),
      enforcement: 'local',
    });
    expect(refused.headers.get('retry-after')).toBe(String(refused.body['retry_after']));
    expect((await ask(key.value, {})).body['code']).toBe('valid');
    expect((await ask(key.value, { ip })).body['code']).toBe('valid');
    expect(outcome(await at(ip, guess(0)))).toEqual(LIMITED);
  });
});

describe('GET /v1/me/session', () => {
  test.each<[string, (i: number) => string]>([
    ['API keys that nobody knows', guess],
    ['API keys that cannot be any', (i) => `sk_${i}`],
    ['service tokens', (i) => `svc_nobodys_token_${i}`],
    ['tokens', (i) => `eyJhbGciOiJSUzI1NiJ9.eyJzaWQiOiJ4In0.${i}`],
    ['what is no credential', (i) => `nothing-${i}`],
  ])('returns 429 to an address that fails with too many %s', async (_what, token) => {
    const address = newAddress();
    await times(LIMIT, async (i) => expect(outcome(await at(address, token(i)))).toEqual(INVALID));
    const answer = await at(address, token(LIMIT));
    expect(outcome(answer)).toEqual(LIMITED);
    const wait = Number(answer.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(50);
    expect(answer.body.error.details).toEqual({
      retry_after: wait,
      enforcement: 'local',
      limit: LIMIT,
      window_seconds: 60,
      scope: 'address',
    });
    expect(answer.headers.get('x-latchkey-enforcement')).toBe('local');
    expect(answer.headers.get('ratelimit-policy')).toBe(`"address";q=${LIMIT};w=60`);
    expect(answer.headers.get('ratelimit')).toBe(`"address";r=0;t=${wait}`);
    expect(outcome(await at(newAddress(), token(0)))).toEqual(INVALID);
  });

  test('does not count requests without a credential, or with one that was valid once', async () => {
    const revoked = await createKey(service, owner);
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token: owner });
    const address = newAddress();
    const headers = { 'x-forwarded-for': address };
    await times(LIMIT + 1, async () =>
      expect(outcome(await call(service, 'GET', '/v1/me/session', { headers }))).toEqual([401, 'credential_missing']),
    );
    await times(LIMIT + 1, async () => expect(outcome(await at(address, revoked.value))).toEqual(INVALID));
    service.clock.advance(3_600_000);
    await times(LIMIT + 1, async () => expect(outcome(await at(address, owner))).toEqual([401, 'credential_expired']));
    expect(outcome(await at(address, guess(0)))).toEqual(INVALID);
  });

  test.each<[string, (i: number) => string]>([
    ['a port', (i) => `198.51.100.1:${1_024 + i}`],
    ['a port, as IPv6', (i) => `[::ffff:198.51.100.2]:${1_024 + i}`],
    ['brackets and a port', (i) => `[2001:db8:77::${i + 1}]:${1_024 + i}`],
    ['a zone', (i) => `fe80::1%eth${i}`],
  ])('counts an address that a proxy writes with %s as one address', async (_what, write) => {
    await times(LIMIT, async (i) => expect(outcome(await at(write(i), guess(i)))).toEqual(INVALID));
    expect(outcome(await at(write(LIMIT), guess(LIMIT)))).toEqual(LIMITED);
  });
});

test('matches and shows an address without the port and brackets of a proxy', async () => {
  const { value } = await createKey(service, await acme.session(), {
    ip_allow_list: ['203.0.113.7', '2001:db8:5::/48'],
  });
  for (const path of ['/v1/me/session', '/v1/auth/forward', '/v1/auth/forward']) {
    for (const address of ['203.0.113.7:443', '[2001:db8:5::9]:443', '[::ffff:203.0.113.7]:1', '2001:db8:5::9%en0'])
      expect(outcome(await at(address, value, path))).toEqual(OK);
    const { body } = await at('203.0.113.8:443', value, path);
    expect(body.error).toMatchObject({ code: 'ip_not_allowed', details: { address: '203.0.113.8' } });
  }
});
