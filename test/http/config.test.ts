import { expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';

const complete = {
  DATABASE_URL: 'postgres://127.0.0.1/latchkey',
  WORKOS_API_KEY: 'sk_test',
  WORKOS_CLIENT_ID: 'client_test',
  WORKOS_COOKIE_PASSWORD: 'p'.repeat(32),
  LATCHKEY_SECRET: 's'.repeat(32),
};
const configOf = (env: Record<string, string>) => readConfig({ ...complete, ...env });

test("bounds connections, and serves operations on the API's address by default", () => {
  expect(configOf({})).toMatchObject({
    connections: { max: 10_000, maxPerAddress: 1_000, keepAliveMs: 65_000 },
    docsOn: 'api',
  });
  expect(configOf({}).operations).toBeUndefined();
  const env = { HOST: '10.0.0.1', LATCHKEY_OPERATIONS_PORT: '9100', LATCHKEY_DOCS: 'operations' };
  expect(configOf(env)).toMatchObject({ operations: { host: '10.0.0.1', port: 9100 }, docsOn: 'operations' });
  expect(configOf({ ...env, LATCHKEY_OPERATIONS_HOST: '127.0.0.1' }).operations?.host).toBe('127.0.0.1');
});

test.each([
  ['LATCHKEY_MAX_CONNECTIONS', '0', 'needs a whole number from 1 to'],
  ['LATCHKEY_MAX_CONNECTIONS_PER_ADDRESS', '-1', 'needs a whole number from 0 to'],
  ['LATCHKEY_MAX_CONNECTIONS_PER_ADDRESS', 'many', 'needs a whole number from 0 to'],
  ['LATCHKEY_KEEP_ALIVE_SECONDS', '0', 'needs a whole number from 1 to'],
  ['LATCHKEY_OPERATIONS_PORT', '70000', 'Too big'],
  ['LATCHKEY_OPERATIONS_HOST', '127.0.0.1', 'needs LATCHKEY_OPERATIONS_PORT'],
  ['LATCHKEY_DOCS', 'operations', 'needs LATCHKEY_OPERATIONS_PORT'],
  ['LATCHKEY_DOCS', 'nowhere', 'Invalid option'],
])('refuses to start with %s=%s, with one message that says why', (name, value, why) => {
  expect(() => configOf({ [name]: value })).toThrow(`The environment is not complete:\n  ${name}: ${why}`);
});
