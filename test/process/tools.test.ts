import { describe, expect, test } from 'vitest';
import { freePort, runEntry } from './start.ts';

const SECRET = 'this value is a secret and is never printed';
const SETTINGS = {
  WORKOS_API_KEY: `sk_${SECRET}`,
  WORKOS_CLIENT_ID: 'client_test',
  WORKOS_COOKIE_PASSWORD: SECRET,
  LATCHKEY_SECRET: SECRET,
};
const nowhere = async () => `postgres://latchkey:${encodeURIComponent(SECRET)}@127.0.0.1:${await freePort()}/latchkey`;

describe('npm run reconcile exits with code 1 and the reason', () => {
  test('without its environment', async () => {
    const { code, stdout, stderr } = await runEntry('cli/reconcile', {});
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^The environment is not complete:\n {2}DATABASE_URL: is missing\n/);
  });

  test('without a database that answers', async () => {
    const { code, stdout, stderr } = await runEntry('cli/reconcile', { ...SETTINGS, DATABASE_URL: await nowhere() });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^The database cannot be reached: .*ECONNREFUSED.*\n$/);
    expect(stderr).not.toContain(encodeURIComponent(SECRET));
  });

  test('for an option that it does not have', async () => {
    const { code, stderr } = await runEntry('cli/reconcile', SETTINGS, ['--organisation', 'org_x']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Unknown option '--organisation'/);
  });
});

describe('npm run audit:verify exits with code 1 and the reason', () => {
  test('without a database', async () => {
    expect(await runEntry('cli/audit-verify', {})).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'The audit log could not be verified: DATABASE_URL is missing; LATCHKEY_SECRET is missing.\n',
    });
  });

  test('without a database that answers', async () => {
    const { code, stderr } = await runEntry('cli/audit-verify', { ...SETTINGS, DATABASE_URL: await nowhere() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The audit log could not be verified: The database cannot be reached: .*ECONNREFUSED.*\n$/);
  });

  test('for an option that it does not have', async () => {
    const { code, stderr } = await runEntry('cli/audit-verify', {}, ['--fix']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The audit log could not be verified: Unknown option '--fix'/);
  });
});

describe('the command of incoming webhooks exits with code 1 and the reason', () => {
  test.each([[[]], [['list', '--outcome', 'lost']], [['replay', "x'; --"]]])('for the arguments %j', async (args) => {
    const { code, stdout, stderr } = await runEntry('cli/incoming-webhooks', SETTINGS, args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^Usage: npm run webhooks:incoming -- list /);
  });

  test('without a database that answers', async () => {
    const { code, stderr } = await runEntry('cli/incoming-webhooks', { ...SETTINGS, DATABASE_URL: await nowhere() }, [
      'list',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The database cannot be reached: .*ECONNREFUSED.*\n$/);
  });
});

describe('npm run dead-letters exits with code 1 and the reason', () => {
  test.each([
    [['--dead'], /^Unknown option '--dead'/],
    [[], /^Usage: /],
    [['list', '--limit', '0'], /^Usage: /],
    [['retry', 'hook_1'], /^Usage: /],
    [['retry', '--loop', 'events', 'one', 'two'], /^Usage: /],
  ])('for the arguments %j', async (args, said) => {
    const { code, stdout, stderr } = await runEntry('cli/dead-letters', SETTINGS, args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(said);
    expect(stderr).toContain('Usage: npm run dead-letters -- list ');
  });

  test('without a database that answers', async () => {
    const { code, stderr } = await runEntry('cli/dead-letters', { ...SETTINGS, DATABASE_URL: await nowhere() }, [
      'list',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The database cannot be reached: .*ECONNREFUSED.*\n$/);
  });
});

test.each<[Parameters<typeof runEntry>[0], string, string[]]>([
  ['cli/dead-letters', 'dead-letters', ['--help']],
  ['cli/incoming-webhooks', 'webhooks:incoming', ['list', '-h']],
  ['cli/workos-events', 'workos:events', ['--help', '--unknown']],
])('%s prints its usage with --help, without an environment', async (entry, script, args) => {
  const { code, stdout, stderr } = await runEntry(entry, {}, args);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^Usage: npm run ${script} -- list `));
});

test.each<[Parameters<typeof runEntry>[0], string, string]>([
  ['cli/webhooks', 'notices', 'webhooks'],
  ['cli/incoming-webhooks', 'hooks', 'webhooks:incoming'],
])('%s names its script once when npm runs it by the old one', async (entry, old, name) => {
  const { code, stderr } = await runEntry(entry, { npm_lifecycle_event: old }, ['--help-me']);
  expect(code).toBe(1);
  expect(stderr.split('\n')[0]).toBe(`npm run ${old} is now npm run ${name}.`);
  const current = await runEntry(entry, { npm_lifecycle_event: name }, ['--help-me']);
  expect(current.stderr).not.toContain('is now');
});
