import { describe, expect, test } from 'vitest';
import { DEMO } from '../../src/emulator/demo.ts';
import { atWorkos } from '../support/at-workos.ts';
import { play } from './curl.ts';
import type { Played } from './curl.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { startWorld } from './world.ts';
import type { Company } from './world.ts';

// Written from the product's public page alone, as one of its readers would use it. What stands here of Latchkey is what
// the page leaves to the account manager: that a company and its people exist, and how its key is made.
const MANAGER = 'svc_account_managers_0123456789';
const STAFF = `account-managers=${MANAGER}:staff:keys+staff:addresses`;
const world = await startWorld('embermind', {
  env: { TRUST_PROXY: '1', LATCHKEY_SERVICE_TOKENS: `${SERVICE_TOKEN},${STAFF}` },
  passwords: true,
});
const { url } = world.service;
const acme = await world.company();
const { body: provided } = await manage(`/api/v1/client/companies/${acme.id}/api-keys`, 'POST', {
  apiKeyTitle: 'root',
});
const key = String(provided['apiKeyValue']);

// The commands of the page, as they are printed.
const PROFILE_BY_KEY = `curl -X GET 'https://api.embermind.ch/api/v1/client/profile/me' \\
  -H 'Content-Type: application/json' \\
  -H 'x-api-key: YOUR_API_KEY'`;
const LOGIN = `curl -X POST 'https://api.embermind.ch/api/v1/client/auth/login' \\
  -H 'Content-Type: application/json' \\
  -d '{
    "loginOrEmail": "[email protected]",
    "password": "your_password"
  }'`;
const PROFILE_BY_TOKEN = `curl -X GET 'https://api.embermind.ch/api/v1/client/profile/me' \\
  -H 'Content-Type: application/json' \\
  -H 'x-access-token: eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...'`;
const LOGOUT = `curl -X POST 'https://api.embermind.ch/api/v1/client/auth/logout' \\
  -H 'Content-Type: application/json' \\
  -H 'x-access-token: eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...'`;
const CHECK_KEY = `curl -X POST 'https://api.embermind.ch/api/v1/client/auth/check-api-key' \\
  -H 'Content-Type: application/json' \\
  -H 'x-api-key: YOUR_API_KEY'`;
const CHECK_TOKEN = `curl -X POST 'https://api.embermind.ch/api/v1/client/auth/check-token' \\
  -H 'Content-Type: application/json' \\
  -H 'x-access-token: YOUR_TOKEN'`;

/** The command without the header of its credential. */
const bare = (command: string) => command.replace(/ \\\n +-H 'x-(?:api-key|access-token): [^']+'/, '');

const PRINTED_TOKEN = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...';
const MINUTE_MS = 60_000;

// The table of the page's errors: code and description.
const ERRORS = {
  'error.auth.api_key_incorrect': 'API key is missing or invalid',
  'error.auth.token_incorrect': 'Access token is missing, invalid, or expired',
  'error.auth.require_api_key_or_token': 'No authentication provided',
  'error.auth.require_more_perm': 'Insufficient permissions',
  'error.auth.company_not_found': 'Company not found',
  'error.auth.perm_obj_not_found': 'Permission object not found',
} as const;

/** The page's error: status 400, and `error` and `message` alone. */
const errorOf = (code: keyof typeof ERRORS) => ({ status: 400, body: { error: code, message: ERRORS[code] } });

const login = (person: Company = acme, password: string = DEMO.password) =>
  play(url, LOGIN, { '[email protected]': person.email('operator'), your_password: password });
const tokenOf = ({ body }: Played) => String(body['xAccessToken']);
const profile = (token: string) => play(url, PROFILE_BY_TOKEN, { [PRINTED_TOKEN]: token });

/** What the account manager does for a company. */
function manage(path: string, method: string, body?: object) {
  return world.send(method, path, { authorization: `Bearer ${MANAGER}` }, body);
}

describe('Method 1: API Key', () => {
  test('the account manager provides apiKeyId, apiKeyTitle and apiKeyValue', () => {
    expect(provided).toEqual({
      apiKeyId: expect.stringMatching(/./),
      apiKeyTitle: 'root',
      apiKeyValue: expect.stringMatching(/./),
    });
  });

  test('GET profile/me with x-api-key shows id, email, login and companyId', async () => {
    const { status, body } = await play(url, PROFILE_BY_KEY, { YOUR_API_KEY: key });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(['id', 'email', 'login', 'companyId']);
    for (const member of Object.values(body)) expect(member).toEqual(expect.stringMatching(/./));
    expect(body['companyId']).toBe(acme.id);
    expect(body['email']).toMatch(/^\S+@\S+$/);
  });
});

describe('Method 2: Access Token', () => {
  test('POST auth/login answers xAccessToken and nothing else', async () => {
    const { status, body } = await login();
    expect([status, body]).toEqual([200, { xAccessToken: expect.stringMatching(/./) }]);
  });

  test('GET profile/me with x-access-token shows the person', async () => {
    const { status, body } = await profile(tokenOf(await login()));
    expect([status, Object.keys(body)]).toEqual([200, ['id', 'email', 'login', 'companyId']]);
    expect(body).toMatchObject({ email: acme.email('operator'), companyId: acme.id });
  });

  test('POST auth/login takes a login name, which profile/me shows', async () => {
    const person = `/user_management/users/${acme.userId('member')}`;
    await atWorkos(world.service, 'PUT', person, { external_id: 'admin' });
    const signedIn = await play(url, LOGIN, { '[email protected]': 'admin', your_password: DEMO.password });
    const { status, body } = await profile(tokenOf(signedIn));
    expect([status, body]).toMatchObject([200, { email: acme.email('member'), login: 'admin', companyId: acme.id }]);
  });

  test('POST auth/logout invalidates the token', async () => {
    const token = tokenOf(await login());
    expect((await play(url, LOGOUT, { [PRINTED_TOKEN]: token })).status).toBe(200);
    expect(await profile(token)).toEqual(errorOf('error.auth.token_incorrect'));
  });
});

describe('IP Whitelisting', () => {
  test('requests from other addresses are rejected in the form of every error', async () => {
    const globex = await world.company();
    const mine = await globex.key({ permission_set: 'root' });
    // "Provide your manager with a list of IP addresses."
    const list = { ip_allow_list: ['192.0.2.7'] };
    expect((await manage(`/v1/organizations/${globex.id}/ip-allow-list`, 'PUT', list)).status).toBe(200);
    const { status, body } = await play(url, `${PROFILE_BY_KEY} -H 'x-forwarded-for: 198.51.100.1'`, {
      YOUR_API_KEY: mine.value,
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(Object.keys(body)).toEqual(['error', 'message']);
    const inside = await play(url, `${PROFILE_BY_KEY} -H 'x-forwarded-for: 192.0.2.7'`, { YOUR_API_KEY: mine.value });
    expect(inside.status).toBe(200);
  });
});

describe('Error Handling', () => {
  test('error.auth.api_key_incorrect: API key is invalid', async () => {
    for (const wrong of ['YOUR_API_KEY', 'sk_0123456789abcdefghijklmn', '787987b3-7884-4888-9518-a9889777e000']) {
      expect(await play(url, PROFILE_BY_KEY, { YOUR_API_KEY: wrong })).toEqual(errorOf('error.auth.api_key_incorrect'));
      expect(await play(url, CHECK_KEY, { YOUR_API_KEY: wrong })).toEqual(errorOf('error.auth.api_key_incorrect'));
    }
  });

  test('error.auth.api_key_incorrect: the key was revoked', async () => {
    const old = await acme.key({ permission_set: 'reader' });
    expect((await play(url, CHECK_KEY, { YOUR_API_KEY: old.value })).status).toBe(200);
    await acme.ask('DELETE', `/v1/api-keys/${old.id}`);
    expect(await play(url, CHECK_KEY, { YOUR_API_KEY: old.value })).toEqual(errorOf('error.auth.api_key_incorrect'));
  });

  test('error.auth.token_incorrect: access token is invalid', async () => {
    expect(await play(url, PROFILE_BY_TOKEN)).toEqual(errorOf('error.auth.token_incorrect'));
    expect(await play(url, CHECK_TOKEN)).toEqual(errorOf('error.auth.token_incorrect'));
    expect(await profile(`${tokenOf(await login()).slice(0, -8)}AAAAAAAA`)).toEqual(
      errorOf('error.auth.token_incorrect'),
    );
  });

  test('error.auth.api_key_incorrect and error.auth.token_incorrect: the header is there, and empty or too long', async () => {
    for (const value of ['', 'x'.repeat(8_193)]) {
      const ask = async (path: string, header: string) => {
        const response = await fetch(`${url}/api/v1/client/${path}`, { method: 'POST', headers: { [header]: value } });
        return { status: response.status, body: await response.json() };
      };
      expect(await ask('auth/check-api-key', 'x-api-key')).toEqual(errorOf('error.auth.api_key_incorrect'));
      expect(await ask('auth/check-token', 'x-access-token')).toEqual(errorOf('error.auth.token_incorrect'));
    }
  });

  test('error.auth.require_api_key_or_token: no authentication provided', async () => {
    for (const command of [PROFILE_BY_KEY, PROFILE_BY_TOKEN, LOGOUT, CHECK_KEY, CHECK_TOKEN]) {
      expect(bare(command)).not.toContain('x-a');
      expect(await play(url, bare(command))).toEqual(errorOf('error.auth.require_api_key_or_token'));
    }
  });

  test('error.auth.require_more_perm: insufficient permissions', async () => {
    const other = CHECK_KEY.replace('auth/check-api-key', 'auth/logout');
    expect(await play(url, other, { YOUR_API_KEY: key })).toEqual(errorOf('error.auth.require_more_perm'));
  });

  test('error.auth.company_not_found: company not found', async () => {
    const token = await acme.session('owner', { org_id: 'org_of_no_company' });
    expect(await play(url, CHECK_TOKEN, { YOUR_TOKEN: token })).toEqual(errorOf('error.auth.company_not_found'));
  });

  test('error.auth.perm_obj_not_found: a permission that a key should have is gone at WorkOS', async () => {
    const { workos } = world.service;
    const left = ['profile:read', 'profile:write', 'records:read', 'records:write'];
    workos.seed({ apiKeyPermissions: { organization: left } });
    const command = `curl -X POST 'https://api.embermind.ch/api/v1/client/companies/${acme.id}/api-keys' -H 'authorization: Bearer ${MANAGER}' -H 'content-type: application/json' -d '{"apiKeyTitle":"second"}'`;
    expect(await play(url, command)).toEqual(errorOf('error.auth.perm_obj_not_found'));
    workos.seed({ apiKeyPermissions: { organization: [...left, 'webhooks:write'] } });
    expect((await play(url, command)).status).toBe(201);
  });

  test('a wrong password gets no token, and the form of every error', async () => {
    const { status, body } = await login(acme, 'not the password');
    expect([status, Object.keys(body)]).toEqual([400, ['error', 'message']]);
  });

  test('all errors follow this structure: of unknown paths, methods and broken requests as well', async () => {
    const broken = [
      "curl -X GET 'https://api.embermind.ch/api/v1/client/nothing'",
      "curl -X GET 'https://api.embermind.ch/api/v1/client'",
      "curl -X DELETE 'https://api.embermind.ch/api/v1/client/profile/me'",
      "curl -X GET 'https://api.embermind.ch/api/v1/client/%E0%A4%A'",
      LOGIN.replace('"password"', '"password'),
      LOGIN.replace('loginOrEmail', 'login'),
      LOGIN.replace('application/json', 'text/plain'),
    ];
    for (const command of broken) {
      const { status, body } = await play(url, command);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(body).toEqual({ error: expect.stringMatching(/^[\w.]+$/), message: expect.stringMatching(/./) });
    }
  });
});

test('Handling Token Expiration: after error.auth.token_incorrect the program signs in and retries', async () => {
  let token = tokenOf(await login());
  expect((await profile(token)).status).toBe(200);
  world.service.clock.advance(31 * MINUTE_MS);
  let response = await profile(token);
  expect(response).toEqual(errorOf('error.auth.token_incorrect'));
  token = tokenOf(await login());
  response = await profile(token);
  expect(response.status).toBe(200);
});

test('Overview: an access token expires after inactivity, and not while it is used', async () => {
  const token = tokenOf(await login());
  for (let used = 0; used < 20; used++) {
    world.service.clock.advance(20 * MINUTE_MS);
    expect((await profile(token)).status).toBe(200);
  }
  world.service.clock.advance(30 * MINUTE_MS);
  expect(await profile(token)).toEqual(errorOf('error.auth.token_incorrect'));
});

describe('Validating Credentials', () => {
  test('Check API Key', async () => {
    const { status, body } = await play(url, CHECK_KEY, { YOUR_API_KEY: key });
    expect([status, body]).toEqual([200, { valid: true, companyId: acme.id }]);
  });

  test('Check Access Token', async () => {
    const { status, body } = await play(url, CHECK_TOKEN, { YOUR_TOKEN: tokenOf(await login()) });
    expect([status, body]).toEqual([200, { valid: true, companyId: acme.id }]);
  });
});
