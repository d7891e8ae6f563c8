import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { call, createKey, verifyKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { openTerminal } from './terminal.ts';
import type { Ran } from './terminal.ts';

const service = await startService();
const CREATE = ['keys', 'create', '--label', 'ci', '--permission-set', 'read_only'];

async function start(options: Parameters<typeof openTerminal>[0] = {}) {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const token = await acme.session('owner');
  const terminal = await openTerminal({
    ...options,
    env: { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: token, ...options.env },
  });
  const keys = async () => (await call(service, 'GET', '/v1/api-keys', { token })).body.data;
  return { token, terminal, keys };
}
const isGood = async (key: string) => (await verifyKey(service, { key })).body['valid'];
/** A network that loses every revocation. */
const refusing: typeof fetch = async (input, init) => {
  if (init?.method === 'DELETE') throw new TypeError('no network');
  return fetch(input, init);
};
/** A program that is ready, and fails once it has the secret. */
const fullAfterCheck = ({ input }: { input: string | undefined }) => ({
  code: input === undefined ? 0 : 1,
  stdout: '',
  stderr: 'full',
});
const outputOf = ({ stdout, stderr }: Ran) => stdout + stderr;

describe('latchkey keys create', () => {
  test('prints the secret alone to a program, and all else to standard error', async () => {
    const { terminal } = await start();
    const { code, stdout, stderr } = await terminal.run(...CREATE);
    expect([code, await isGood(stdout.trim())]).toEqual([0, true]);
    expect(stderr).toMatch(/^Created api_key_\w+ \(ci\)\.\n$/);
  });

  test("prints the API's answer with --json", async () => {
    const { terminal } = await start();
    const { value } = JSON.parse((await terminal.run(...CREATE, '--json')).stdout) as { value: string };
    expect(await isGood(value)).toBe(true);
  });

  test('writes a new file that only its owner can read', async () => {
    const { terminal } = await start();
    const file = join(terminal.folder, 'key.txt');
    const ran = await terminal.run(...CREATE, '--out', file);
    const secret = (await readFile(file, 'utf8')).trim();
    expect([ran.code, await isGood(secret), (await stat(file)).mode & 0o777]).toEqual([0, true, 0o600]);
    expect(outputOf(ran)).not.toContain(secret);
  });

  test('sets one variable of a .env file, and leaves the other lines', async () => {
    const { terminal } = await start();
    const file = join(terminal.folder, '.env');
    await writeFile(file, '# ours\nACME_KEY=old\nOTHER=$&1', { mode: 0o640 });
    const ran = await terminal.run(...CREATE, '--dotenv', `${file}:ACME_KEY`);
    const [first, second, ...rest] = (await readFile(file, 'utf8')).split('\n');
    expect([ran.code, first, rest]).toEqual([0, '# ours', ['OTHER=$&1']]);
    expect(await isGood(second!.replace('ACME_KEY=', ''))).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    await terminal.run(...CREATE, '--dotenv', `${file}:NEW_KEY`);
    expect(await readFile(file, 'utf8')).toMatch(/\nOTHER=\$&1\nNEW_KEY=sk_\w+\n$/);
    expect((await readdir(terminal.folder)).toSorted()).toEqual(['.env']);
  });

  test('masks the secret before it sets an output or a variable of GitHub Actions', async () => {
    const { terminal: at } = await start();
    const file = join(at.folder, 'output');
    await writeFile(file, 'earlier=1\n');
    for (const [flag, variable] of [
      ['--github-output', 'GITHUB_OUTPUT'],
      ['--github-env', 'GITHUB_ENV'],
    ] as const) {
      const { terminal } = await start({ env: { [variable]: file } });
      const { code, stdout } = await terminal.run(...CREATE, flag, 'ACME_KEY');
      const [, end, secret] = /ACME_KEY<<(end_[0-9a-f]{32})\n(sk_\w+)\n\1\n$/.exec(await readFile(file, 'utf8')) ?? [];
      expect([code, end?.length, await isGood(secret!)]).toEqual([0, 36, true]);
      expect(stdout).toBe(`::add-mask::${secret}\n::add-mask::${Buffer.from(secret!).toString('base64')}\n`);
    }
  });

  test('hands the secret to gh, kubectl and a program of one’s own on their standard input', async () => {
    const { terminal } = await start();
    await terminal.run(...CREATE, '--gh-secret', 'ACME_KEY');
    await terminal.run(...CREATE, '--k8s', 'acme-key');
    await terminal.run(...CREATE, '--exec', '--', 'vault', 'kv', 'put', 'key=-');
    const [status, set, may, apply, own] = terminal.programs;
    expect([status!.args, may!.args]).toEqual([
      ['auth', 'status'],
      ['auth', 'can-i', 'create', 'secrets', '--quiet'],
    ]);
    expect([set!.program, set!.args, await isGood(set!.input!)]).toEqual(['gh', ['secret', 'set', 'ACME_KEY'], true]);
    expect([apply!.program, apply!.args]).toEqual(['kubectl', ['apply', '-f', '-']]);
    const { kind, metadata, stringData } = JSON.parse(apply!.input!) as {
      kind: string;
      metadata: object;
      stringData: { 'api-key': string };
    };
    expect([kind, metadata, await isGood(stringData['api-key'])]).toEqual(['Secret', { name: 'acme-key' }, true]);
    expect([own!.program, own!.args, await isGood(own!.input!)]).toEqual(['vault', ['kv', 'put', 'key=-'], true]);
    expect(terminal.programs.flatMap(({ args }) => args).join(' ')).not.toMatch(/sk_/);
  });

  test.each([
    ['a file that exists', (folder: string) => ['--out', join(folder, 'there')]],
    ['a folder that does not', (folder: string) => ['--out', join(folder, 'no', 'key')]],
    ['no job of GitHub Actions', () => ['--github-output', 'NAME']],
    ['a name of .env without a file', () => ['--dotenv', 'ACME_KEY']],
    ['gh that is not signed in', () => ['--gh-secret', 'NAME']],
    ['kubectl that may not', () => ['--k8s', 'name']],
    ['no program after --', () => ['--exec']],
    ['two places', (folder: string) => ['--out', join(folder, 'key'), '--k8s', 'name']],
  ])('makes no key for %s', async (_, flags) => {
    const { terminal, keys } = await start({ ends: () => ({ code: 1, stdout: '', stderr: 'no' }) });
    await writeFile(join(terminal.folder, 'there'), '');
    expect((await terminal.run(...CREATE, ...flags(terminal.folder))).code).toBeGreaterThan(0);
    expect(await keys()).toEqual([]);
  });

  test('revokes the key when its secret did not arrive', async () => {
    const { terminal, keys } = await start({
      ends: ({ input }) => ({ code: input === undefined ? 0 : 1, stdout: '', stderr: 'full' }),
    });
    const ran = await terminal.run(...CREATE, '--gh-secret', 'NAME');
    const [key, ...others] = await keys();
    expect([ran.code, key!['status'], others]).toEqual([1, 'revoked', []]);
    expect(ran.stderr).toBe(`gh secret set failed: full The key ${String(key!['id'])} was revoked.\n`);
  });

  test('revokes the key when it is interrupted before the secret is there', async () => {
    const interruption = new AbortController();
    const { terminal, keys } = await start({
      signal: interruption.signal,
      ends: ({ input }) => {
        if (input !== undefined) interruption.abort();
        return { code: 0, stdout: '', stderr: '' };
      },
    });
    expect((await terminal.run(...CREATE, '--gh-secret', 'NAME')).code).toBe(130);
    expect((await keys()).map(({ status }) => status)).toEqual(['revoked']);
  });

  test('gets one key although the answer to its creation is lost', async () => {
    let lost = 0;
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (init?.method === 'POST' && lost++ === 0) throw new TypeError('socket hang up');
      return response;
    };
    const { terminal, keys } = await start({ fetch: losing });
    const { stdout } = await terminal.run(...CREATE);
    expect([lost, await isGood(stdout.trim()), (await keys()).length]).toEqual([2, true, 1]);
  });

  test('says which key was not revoked', async () => {
    const { terminal, keys } = await start({ fetch: refusing, ends: fullAfterCheck });
    const { code, stderr } = await terminal.run(...CREATE, '--k8s', 'name');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `The key ${String((await keys())[0]!['id'])} could NOT be revoked: Latchkey cannot be reached.`,
    );
  });
});

describe('latchkey keys rotate', () => {
  test('asks before the old secret ends at once, and hands over the new one', async () => {
    const { token, terminal } = await start();
    const old = await createKey(service, token);
    expect((await terminal.run('keys', 'rotate', old.id)).code).toBe(2);
    const { code, stdout } = await terminal.run('keys', 'rotate', old.id, '--yes');
    expect([code, await isGood(stdout.trim()), await isGood(old.value)]).toEqual([0, true, false]);
  });

  test('does not ask when the old secret works on', async () => {
    const { token, terminal } = await start();
    const old = await createKey(service, token);
    const { code, stdout } = await terminal.run('keys', 'rotate', old.id, '--grace-seconds', '60');
    expect([code, await isGood(stdout.trim()), await isGood(old.value)]).toEqual([0, true, true]);
  });
});
