import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort, runEntry, startEntry, stop, temporaryFolder } from './start.ts';

const DEFAULT_FILE = new URL('../../config/evershell.yaml', import.meta.url);
const SECRET = 'this value is a secret and is never printed';

/** Complete, but for a database that answers: what is checked before that is what stops the start. */
async function complete(): Promise<Record<string, string>> {
  return {
    DATABASE_URL: `postgres://latchkey:${encodeURIComponent(SECRET)}@127.0.0.1:${await freePort()}/latchkey`,
    WORKOS_API_KEY: `sk_${SECRET}`,
    WORKOS_CLIENT_ID: 'client_test',
    WORKOS_COOKIE_PASSWORD: SECRET,
    LATCHKEY_SECRET: SECRET,
    PORT: '0',
  };
}

describe('the production start stops with exit code 1 and one message', () => {
  test('that names every variable that is missing', async () => {
    const { code, stdout, stderr } = await runEntry('main', {});
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'The environment is not complete:',
      '  DATABASE_URL: is missing',
      '  LATCHKEY_SECRET: is missing',
      '  WORKOS_API_KEY: is missing',
      '  WORKOS_CLIENT_ID: is missing',
      '  WORKOS_COOKIE_PASSWORD: is missing',
    ]);
  });

  test('that names every variable that is wrong, and repeats no value', async () => {
    const wrong = {
      DATABASE_URL: 'mysql://s3cr3t@db',
      WORKOS_API_KEY: 's3cr3t',
      WORKOS_CLIENT_ID: 's3cr3t',
      WORKOS_COOKIE_PASSWORD: 's3cr3t',
      LATCHKEY_SECRET: 's3cr3t',
      WORKOS_API_URL: 'ftp://s3cr3t',
      WORKOS_TIMEOUT_MS: 's3cr3t',
      PORT: '70000',
      LOG_LEVEL: 's3cr3t',
      TRUST_PROXY: '-1',
    };
    const { code, stdout, stderr } = await runEntry('main', wrong);
    expect([code, stdout]).toEqual([1, '']);
    const [first, ...lines] = stderr.trimEnd().split('\n');
    expect(first).toBe('The environment is not complete:');
    expect(lines.map((line) => line.trim().split(':')[0]).toSorted(byName)).toEqual(
      Object.keys(wrong).toSorted(byName),
    );
    expect(stderr).not.toMatch(/s3cr3t|70000/);
  });

  test('for a database that cannot be reached', async () => {
    const { code, stdout, stderr } = await runEntry('main', await complete());
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^The database cannot be reached: .*ECONNREFUSED.*\n$/);
    expect(stderr).not.toContain(encodeURIComponent(SECRET));
  });

  test('for a configuration that is no YAML, with the line', async () => {
    const { code, stderr } = await start(() => 'product: Evershell\nplans: [\n');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The configuration \S+ cannot be used:\n( {2}line [23]: .*\n)+$/);
  });

  test('for a permission set that grants what is never granted, with the line', async () => {
    const { code, stderr } = await start((text) =>
      text.replace("scopes: ['workspace:read', 'audit:read']", "scopes: ['workspace:read', 'apikeys:write']"),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^The configuration \S+ cannot be used:\n {2}line \d+: \S+ the set 'read_only' grants 'apikeys:write', which is never granted\n$/,
    );
  });

  test('for a configuration that is not there', async () => {
    const { code, stderr } = await runEntry('main', { ...(await complete()), LATCHKEY_CONFIG: '/nowhere.yaml' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot read the configuration \/nowhere\.yaml: .*\n$/);
  });
});

describe('npm run migrate', () => {
  test('says that DATABASE_URL is missing', async () => {
    expect(await runEntry('cli/migrate', {})).toMatchObject({
      code: 1,
      stderr: 'DATABASE_URL needs a postgres:// address.\n',
    });
  });

  test('says that the database cannot be reached, in one line', async () => {
    const { code, stderr } = await runEntry('cli/migrate', await complete());
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The database cannot be reached: .*ECONNREFUSED.*\n$/);
  });
});

describe('the local WorkOS as a process of its own', () => {
  test('listens, keeps its state in the data folder and ends in order', async () => {
    const env = { PORT: '0', LATCHKEY_DATA_DIR: temporaryFolder() };
    const workos = startEntry('cli/local-workos', env);
    const [, url] = await workos.saw(/Local WorkOS on (\S+?),? /);
    expect((await fetch(`${url}/sso/jwks/client_latchkey`)).status).toBe(200);
    const second = await runEntry('cli/local-workos', env);
    expect([second.code, second.stderr.trimEnd().split('\n')]).toEqual([
      1,
      [expect.stringMatching(/^Local WorkOS did not start: /)],
    ]);
    expect(await stop(workos)).toBe(0);
  });

  test('is never reachable from another machine', async () => {
    const { code, stderr } = await runEntry('cli/local-workos', {
      HOST: '0.0.0.0',
      LATCHKEY_DATA_DIR: temporaryFolder(),
    });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^Local WorkOS did not start: .*loopback only.*\n$/)]);
  });
});

async function start(change: (text: string) => string) {
  const file = join(temporaryFolder(), 'product.yaml');
  writeFileSync(file, change(await readFile(DEFAULT_FILE, 'utf8')));
  return runEntry('main', { ...(await complete()), LATCHKEY_CONFIG: file });
}

function byName(a = '', b = ''): number {
  return a.localeCompare(b);
}
