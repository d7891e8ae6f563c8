import { chmod, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { makePerson } from './person.ts';
import { addressOf, openTerminal } from './terminal.ts';
import type { Ran, Terminal } from './terminal.ts';

const service = await startService();
const env = { LATCHKEY_URL: service.url };
const HOUR_MS = 3_600_000;

const fileOf = ({ folder }: Terminal) => join(folder, 'config', 'credentials.json');
/** An access token that ended long ago. */
const ENDED = `eyJ.${Buffer.from('{"exp":1}').toString('base64url')}.x`;

const stored = async (terminal: Terminal) => readFile(fileOf(terminal), 'utf8');

/** A terminal with a person who answers in a browser while the command waits. */
async function withPerson(answer: 'confirm' | 'deny', organizations = 1) {
  const { person, terminal } = await makePerson(service, answer, organizations);
  return { person, terminal: await openTerminal({ env, ...terminal }) };
}

/** Returns a terminal that is signed in. */
async function signedIn() {
  const { terminal, person } = await withPerson('confirm');
  expect(await terminal.run('login')).toMatchObject({ code: 0 });
  return { terminal, person };
}

describe('latchkey login', () => {
  test('shows a code, waits for the browser, and stores the session for its owner alone', async () => {
    const { terminal, person } = await withPerson('confirm');
    const ran = await terminal.run('login');
    expect([ran.code, ran.stdout]).toEqual([0, '']);
    expect(ran.stderr).toMatch(/and confirm that it shows [A-Z0-9]{4}-[A-Z0-9]{4}\. Deny any other code\.\n/);
    expect(ran.stderr).toContain(`The credential is in ${fileOf(terminal)}, which only you can read, because`);
    expect((await stat(fileOf(terminal))).mode & 0o777).toBe(0o600);
    const me = JSON.parse((await terminal.run('whoami', '--json')).stdout) as object;
    expect(me).toMatchObject({ kind: 'user', email: person.email, organization_id: person.organizations[0] });
    expect(ran.stderr).not.toMatch(/eyJ/);
  });

  test('exits with 4 when the person denies', async () => {
    const { terminal } = await withPerson('deny');
    expect(await terminal.run('login')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/denied in the browser\.\n$/),
    });
    expect((await terminal.run('whoami')).code).toBe(4);
  });

  test('exits with 4 when the code expires', async () => {
    let now = Date.now();
    const sleep = async (milliseconds: number) => void (now += milliseconds);
    const terminal = await openTerminal({ env, now: () => new Date(now), sleep });
    expect(await terminal.run('login')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/The code has expired\./),
    });
  });

  test('stores a token from standard input, which never leaves for another service', async () => {
    const terminal = await openTerminal({ env, stdin: `${SERVICE_TOKEN}\n` });
    expect((await terminal.run('login', '--with-token', '--profile', 'billing')).code).toBe(0);
    const acme = await service.organizations.add();
    const { code, stdout } = await terminal.run('billing', 'show', acme.id, '--profile', 'billing');
    expect([code, stdout]).toEqual([0, expect.stringContaining(`ID\t${acme.id}\n`)]);
    const elsewhere = await terminal.run(
      'billing',
      'show',
      acme.id,
      '--profile',
      'billing',
      '--url',
      'https://evil.test',
    );
    expect(elsewhere).toMatchObject({
      code: 2,
      stderr: `Profile billing is signed in at ${service.url}, not at https://evil.test.\n`,
    });
    expect((await (await openTerminal({ env, stdin: 'two tokens' })).run('login', '--with-token')).code).toBe(2);
  });

  test('refuses a URL that is not encrypted, is none, or has a credential', async () => {
    for (const url of [
      'http://latchkey.test',
      'latchkey.test',
      'https://user:word@latchkey.test',
      'ftp://latchkey.test',
    ]) {
      const ran = await (await openTerminal()).run('login', '--url', url);
      expect([ran.code, ran.stderr.includes('word')]).toEqual([2, false]);
    }
    expect((await (await openTerminal()).run('login')).code).toBe(2);
  });
});

describe('a stored session', () => {
  test('is renewed once by commands that run at the same time', async () => {
    const { terminal } = await signedIn();
    await edit(terminal, { accessToken: ENDED });
    let renewals = 0;
    const counting: typeof fetch = async (input, init) => {
      if (addressOf(input).startsWith(service.workos.url)) renewals++;
      return fetch(input, init);
    };
    const others = await Promise.all(
      [1, 2, 3, 4].map(async () => openTerminal({ env, folder: terminal.folder, fetch: counting, sleep: pause })),
    );
    const ran = await Promise.all(others.map(async (other) => other.run('whoami')));
    expect([ran.map(({ code }) => code), renewals]).toEqual([[0, 0, 0, 0], 1]);
    expect(await stored(terminal)).not.toContain(ENDED);
  });

  test('exits with 4 when WorkOS does not renew it', async () => {
    const { terminal } = await signedIn();
    await edit(terminal, { accessToken: ENDED, refreshToken: 'gone' });
    const { code, stderr } = await terminal.run('whoami');
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^WorkOS did not renew the session \(invalid_grant\)/)]);
    expect(stderr).not.toContain('gone');
  });

  test('is not read from a file that others can read, and a broken file is named', async () => {
    const { terminal } = await signedIn();
    await chmod(fileOf(terminal), 0o644);
    expect(await terminal.run('whoami')).toMatchObject({
      code: 1,
      stderr: `Others can read ${fileOf(terminal)}. Run chmod 600 on it.\n`,
    });
    await writeFile(fileOf(terminal), '{');
    await chmod(fileOf(terminal), 0o600);
    expect((await terminal.run('whoami')).stderr).toContain('is not readable as JSON');
  });

  test('waits for another command, but not for one that has died', async () => {
    const { terminal } = await signedIn();
    const lock = join(terminal.folder, 'config', 'credentials.lock');
    await writeFile(lock, '');
    const waiting = await terminal.run('logout');
    expect([waiting.code, waiting.stderr]).toEqual([1, expect.stringContaining('Another command holds')]);
    const old = new Date(Date.now() - HOUR_MS);
    await utimes(lock, old, old);
    expect((await terminal.run('logout')).code).toBe(0);
  });
});

describe('latchkey logout', () => {
  test('ends the session at the service, and forgets it', async () => {
    const { terminal } = await signedIn();
    const { accessToken } = (JSON.parse(await stored(terminal)) as Stored).profiles['default']!.credential;
    expect(await terminal.run('logout')).toMatchObject({ code: 0, stderr: `Signed out of ${service.url}.\n` });
    expect(await stored(terminal)).not.toContain(accessToken);
    const withOld: Ran = await (await openTerminal({ env: { ...env, LATCHKEY_TOKEN: accessToken } })).run('whoami');
    expect([withOld.code, withOld.stderr]).toEqual([
      4,
      expect.stringContaining('Run latchkey login, or set LATCHKEY_TOKEN.'),
    ]);
    expect((await terminal.run('logout')).stderr).toBe('Profile default was not signed in.\n');
  });
});

type Stored = { profiles: Record<string, { credential: { accessToken: string } }> };

/** Changes what is stored of the session. */
async function edit(terminal: Terminal, change: object): Promise<void> {
  const { profiles } = JSON.parse(await stored(terminal)) as Stored;
  const { credential } = profiles['default']!;
  const edited = { ...profiles['default'], credential: { ...credential, ...change } };
  await writeFile(fileOf(terminal), JSON.stringify({ profiles: { default: edited } }));
}

const pause = async (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
