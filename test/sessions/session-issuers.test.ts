import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import { call, outcome } from '../support/api.ts';
import { environment, startService } from '../support/service.ts';

const service = await startService();
const custom = await startService({
  WORKOS_AUTHKIT_URL: 'https://console.example.com',
  WORKOS_ISSUERS: 'https://login.example.com/oauth, https://other.example.com',
});

const OK = [200, undefined];
const INVALID = [401, 'credential_invalid'];
const ask = async (at: typeof service, iss: string) => {
  const acme = await at.organizations.add();
  return outcome(await call(at, 'GET', '/v1/me/session', { token: await acme.session('owner', { iss }) }));
};
const FORMS = (clientId: string) => ['', '/', `/user_management/${clientId}`, `/sso/${clientId}`, '/sso/conn_01HX'];

describe('GET /v1/me/session', () => {
  test.each(FORMS(service.workos.clientId))('accepts issuers of WorkOS and the API that end in %j', async (end) => {
    expect(await ask(service, `https://api.workos.com${end}`)).toEqual(OK);
    expect(await ask(service, `${service.workos.url}${end}`)).toEqual(OK);
  });

  test.each(FORMS(custom.workos.clientId))('accepts issuers of the AuthKit domain that end in %j', async (end) => {
    expect(await ask(custom, `https://console.example.com${end}`)).toEqual(OK);
    expect(await ask(custom, `https://api.workos.com${end}`)).toEqual(OK);
    expect(await ask(service, `https://console.example.com${end}`)).toEqual(INVALID);
  });

  test.each([
    'https://api.workos.com.evil.test',
    'https://api.workos.com/user_management/client_other',
    'https://api.workos.com/sso/',
    'https://api.workos.com/sso/a/b',
    'http://api.workos.com',
  ])('refuses the issuer %s', async (iss) => {
    expect(await ask(service, iss)).toEqual(INVALID);
  });

  test('logs a refused issuer once, shortened, and a bounded number of them', async () => {
    const named = (iss: string) => service.logs.filter((line) => line.includes(`"iss":"${iss}`)).length;
    for (let i = 0; i < 3; i++) await ask(service, 'https://auth.example.com');
    expect(named('https://auth.example.com"')).toBe(1);
    await ask(service, `https://long.example.com/${'x'.repeat(2_000)}`);
    expect(service.logs.find((line) => line.includes('https://long.example.com'))!.length).toBeLessThan(500);
    for (let i = 0; i < 40; i++) await ask(service, `https://made-up-${i}.example.com`);
    expect(named('')).toBeLessThanOrEqual(20);
  });
});

describe('WORKOS_ISSUERS', () => {
  test('adds issuers and removes none', async () => {
    expect(await ask(custom, 'https://login.example.com/oauth')).toEqual(OK);
    expect(await ask(custom, 'https://other.example.com')).toEqual(OK);
    expect(await ask(custom, 'https://login.example.com')).toEqual(INVALID);
    expect(await ask(custom, `${custom.workos.url}/user_management/${custom.workos.clientId}`)).toEqual(OK);
  });
});

test.each([
  ['WORKOS_ISSUERS', Array.from({ length: 21 }, (_, i) => `https://${i}.test`).join(',')],
  ['WORKOS_CLIENT_IDS', 'client_a,app_b'],
  ['WORKOS_CLIENT_IDS', Array.from({ length: 11 }, (_, i) => `client_${i}`).join(',')],
])('refuses to start with a bad %s', (name, value) => {
  expect(() => readConfig({ ...environment(service.workos), [name]: value })).toThrow(name);
});
