import { expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';

const complete = {
  DATABASE_URL: 'postgres://127.0.0.1/latchkey',
  WORKOS_API_KEY: 'sk_test',
  WORKOS_CLIENT_ID: 'client_test',
  WORKOS_COOKIE_PASSWORD: 'p'.repeat(32),
  LATCHKEY_SECRET: 's'.repeat(32),
};
const limitsOf = (env: Record<string, string>) => readConfig({ ...complete, ...env }).limits;

test('counts locally unless REDIS_URL is set', () => {
  expect(limitsOf({})).toEqual({ redisUrl: undefined, fallback: 'local', leaseSeconds: 60 });
  const env = { REDIS_URL: 'rediss://u:p%40@redis/3', LATCHKEY_LIMITS_FALLBACK: 'refuse', LATCHKEY_LEASE_SECONDS: '5' };
  expect(limitsOf(env)).toEqual({ redisUrl: 'rediss://u:p%40@redis/3', fallback: 'refuse', leaseSeconds: 5 });
});

test.each([
  ['REDIS_URL', 'http://s3cr3t@redis', 'needs a redis:// or rediss:// address'],
  ['REDIS_URL', 's3cr3t', 'needs a redis:// or rediss:// address'],
  ['REDIS_URL', 'redis://', 'needs a redis:// or rediss:// address'],
  ['REDIS_URL', 'redis://:s3cr3t@redis/sessions', 'names a database that is not a number'],
  ['REDIS_URL', 'redis://:s3cr3t%ZZ@redis', 'has a user or password that is not percent-encoded'],
  ['LATCHKEY_LIMITS_FALLBACK', 's3cr3t', 'Invalid option'],
  ['LATCHKEY_LEASE_SECONDS', '0', 'needs a whole number from 1 to 3600'],
  ['LATCHKEY_LEASE_SECONDS', '3601', 'needs a whole number from 1 to 3600'],
  ['PORT', 'abc', 'needs a whole number from 0 to 65535'],
  ['LATCHKEY_LOG_ACCEPTED_SHARE', '2', 'needs a number from 0 to 1'],
  ['LATCHKEY_LEASE_SECONDS', '1.5', 'needs a whole number from 1 to 3600'],
])('%s=%s stops the start with one message that says why and repeats no value', (name, value, why) => {
  const start = () => limitsOf({ [name]: value });
  expect(start).toThrow(`The environment is not complete:\n  ${name}: ${why}`);
  expect(start).not.toThrow('s3cr3t');
});
