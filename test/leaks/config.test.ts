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

test('takes reports of no origin by default', () => {
  expect(configOf({}).leakKeyLists).toEqual([]);
});

test('knows where GitHub and deps.dev publish their keys, and asks where GitLab does', () => {
  expect(configOf({ LATCHKEY_LEAK_ORIGINS: 'github, depsdev,github' }).leakKeyLists).toEqual([
    { origin: 'github', address: 'https://api.github.com/meta/public_keys/secret_scanning' },
    { origin: 'depsdev', address: 'https://storage.googleapis.com/depsdev-gcp-public-keys/secret_scanning' },
  ]);
  const address = 'https://gitlab.example/keys';
  expect(configOf({ LATCHKEY_LEAK_ORIGINS: 'gitlab', LATCHKEY_LEAK_KEYS_GITLAB: address }).leakKeyLists).toEqual([
    { origin: 'gitlab', address },
  ]);
});

test.each([
  [{ LATCHKEY_LEAK_ORIGINS: 'gitlab' }, 'LATCHKEY_LEAK_KEYS_GITLAB: is missing'],
  [{ LATCHKEY_LEAK_ORIGINS: 'somewhere' }, 'LATCHKEY_LEAK_ORIGINS.0: Invalid option'],
  [{ LATCHKEY_LEAK_KEYS_GITHUB: 'http://keys.example/list' }, 'LATCHKEY_LEAK_KEYS_GITHUB: needs an https address'],
  [
    { LATCHKEY_LEAK_KEYS_GITHUB: 'https://user:word@keys.example/' },
    'LATCHKEY_LEAK_KEYS_GITHUB: needs an https address',
  ],
  [{ LATCHKEY_LEAK_KEYS_GITHUB: 'https://keys.example:8443/' }, 'LATCHKEY_LEAK_KEYS_GITHUB: needs an https address'],
  [{ LATCHKEY_LEAK_KEYS_GITHUB: 'file:///etc/passwd' }, 'LATCHKEY_LEAK_KEYS_GITHUB: needs an https address'],
])('refuses to start with %o', (env, why) => {
  expect(() => configOf(env as Record<string, string>)).toThrow(why);
});
