import { expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';

const LIVE = {
  DATABASE_URL: 'postgres://somewhere',
  WORKOS_API_KEY: 'sk_live',
  WORKOS_CLIENT_ID: 'client_live',
  WORKOS_API_URL: 'https://workos.example',
  WORKOS_COOKIE_PASSWORD: 'x'.repeat(32),
  LATCHKEY_SECRET: 'y'.repeat(32),
};
const TEST = { WORKOS_API_KEY_TEST: 'sk_test', WORKOS_CLIENT_ID_TEST: 'client_test' };
const HOOKS = 'a secret of webhooks';

test('readConfig has a test environment only when it is set, at the address of the live one by default', () => {
  expect(readConfig(LIVE).workos.test).toBeUndefined();
  const usual = { apiKey: 'sk_test', clientId: 'client_test', apiUrl: 'https://workos.example' };
  expect(readConfig({ ...LIVE, ...TEST }).workos.test).toEqual(usual);
  const hooks = { ...TEST, WORKOS_WEBHOOK_SECRET: 'another secret of webhooks', WORKOS_WEBHOOK_SECRET_TEST: HOOKS };
  expect(readConfig({ ...LIVE, ...hooks }).workos.test).toEqual({ ...usual, webhookSecret: HOOKS });
  const elsewhere = { ...LIVE, ...TEST, WORKOS_API_URL_TEST: 'https://test.example/' };
  expect(readConfig(elsewhere).workos.test).toEqual({ ...usual, apiUrl: 'https://test.example' });
});

test.each([
  [{ WORKOS_API_KEY_TEST: 'sk_test' }, 'WORKOS_API_KEY_TEST: needs WORKOS_CLIENT_ID_TEST'],
  [{ WORKOS_CLIENT_ID_TEST: 'client_test' }, 'WORKOS_API_KEY_TEST: is missing'],
  [{ WORKOS_API_URL_TEST: 'https://test.example' }, 'WORKOS_API_URL_TEST: needs WORKOS_API_KEY_TEST'],
  [{ ...TEST, WORKOS_API_KEY_TEST: 'sk_live' }, 'WORKOS_API_KEY_TEST: is the key of the live environment'],
  [{ ...TEST, WORKOS_API_KEY_TEST: 'key' }, 'WORKOS_API_KEY_TEST: needs the secret key'],
  [{ ...TEST, WORKOS_CLIENT_ID_TEST: 'test' }, 'WORKOS_CLIENT_ID_TEST: needs the client id'],
  [{ WORKOS_WEBHOOK_SECRET_TEST: HOOKS }, 'WORKOS_WEBHOOK_SECRET_TEST: needs WORKOS_API_KEY_TEST'],
  [{ ...TEST, WORKOS_WEBHOOK_SECRET_TEST: 'short' }, 'WORKOS_WEBHOOK_SECRET_TEST: needs 16 bytes'],
  [
    { ...TEST, WORKOS_WEBHOOK_SECRET: HOOKS, WORKOS_WEBHOOK_SECRET_TEST: HOOKS },
    'WORKOS_WEBHOOK_SECRET_TEST: is the secret of the live environment',
  ],
])('readConfig refuses %j', (given, message) => {
  expect(() => readConfig({ ...LIVE, ...given })).toThrow(message);
});
