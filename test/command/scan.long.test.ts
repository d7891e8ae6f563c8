import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { makeKeyFormat } from '../../src/api-keys/format/key-format.ts';
import { makeRunProgram } from '../../src/command/process-context.ts';
import { KeyRules } from '../../src/product/key-rules.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { openTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const SECRET = 'sk_4fG7hJ9kL2mN5pQ8rS1tU3vW6xY0zA2bC4dE6fG8hJ1';
const FORM = ['--live-prefix', 'msk_live_', '--test-prefix', 'msk_test_', '--checksum'];
const memsolus = readProduct(new URL('../../examples/systems/memsolus.yaml', import.meta.url));
const format = makeKeyFormat(memsolus.api_keys);
const [live, other] = [format.handOut(SECRET, 'live'), format.handOut(`${SECRET}x`, 'test')];
const shown = (key: string) => `${key.slice(0, 9)}…${key.slice(-4)}`;

/** A network that must not be used. */
const offline: typeof fetch = async () => {
  throw new Error('the network was used');
};
const offlineTerminal = (options: Parameters<typeof openTerminal>[0] = {}) =>
  openTerminal({ fetch: offline, ...options });

const git = makeRunProgram({ PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' });
async function repository(terminal: Terminal): Promise<(...args: string[]) => Promise<void>> {
  const run = async (...args: string[]) => {
    const who = ['-c', 'user.name=A', '-c', 'user.email=a@acme.test'];
    expect(await git('git', ['-C', terminal.folder, ...who, ...args])).toMatchObject({ code: 0 });
  };
  await run('init', '-q');
  return run;
}

async function write({ folder }: Terminal, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

describe('latchkey scan', () => {
  test('finds the keys below a folder by the flags, without the network, and prints none of them', async () => {
    const terminal = await offlineTerminal();
    await write(terminal, { 'src/a.ts': `const key = '${live}';\n`, 'b.env': `A=1\nKEY=${other}\n`, 'c.md': SECRET });
    const { code, stdout, stderr } = await terminal.run('scan', ...FORM);
    expect([code, stderr, stdout.trim().split('\n').toSorted()]).toEqual([
      1,
      '',
      [`b.env:2:5  ${shown(other)}  test  certain`, `src/a.ts:1:14  ${shown(live)}  live  certain`],
    ]);
    expect(stdout).not.toContain(live.slice(9, 25));
    expect((await terminal.run('scan', 'c.md', ...FORM)).code).toBe(0);
  });

  test('reads standard input, and prints JSON, one finding a line', async () => {
    const terminal = await offlineTerminal({ stdin: `x\n ${live}` });
    const { code, stdout } = await terminal.run('scan', '-', '--json', ...FORM);
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      { path: '-', line: 2, column: 2, key: shown(live), environment: 'live', sureness: 'certain' },
    ]);
  });

  test('exits with 2 for what it cannot read, though there are keys', async () => {
    const terminal = await offlineTerminal();
    await write(terminal, { 'a.txt': live });
    const { code, stdout, stderr } = await terminal.run('scan', 'missing', 'a.txt', ...FORM);
    expect([code, stdout, stderr]).toEqual([
      2,
      expect.stringContaining('a.txt:1:1'),
      'missing: cannot be read (ENOENT)\n',
    ]);
  });

  test('exits with 130 when it is interrupted, and leaves no line of progress behind', async () => {
    const interruption = new AbortController();
    const terminal = await offlineTerminal({ signal: interruption.signal, showsProgress: true });
    await write(terminal, { 'a.txt': live, 'b.txt': live });
    interruption.abort();
    expect(await terminal.run('scan', ...FORM)).toMatchObject({ code: 130, stdout: '' });
  });

  test('shows progress where a person sees it, and clears it before each line', async () => {
    const terminal = await offlineTerminal({ showsProgress: true });
    await write(terminal, { 'a.txt': live });
    const { stdout, stderr } = await terminal.run('scan', ...FORM);
    expect(stdout).toBe(`a.txt:1:1  ${shown(live)}  live  certain\n`);
    expect(stderr).toBe('\r\u001b[2KScanning: 1 files, 0 keys\r\u001b[2K');
  });

  test.each([
    ['flags without a prefix', ['--checksum'], '--live-prefix'],
    ['a prefix that no key has', ['--live-prefix', 'a-b'], '2 to 16 letters'],
    ['no form at all', [], 'Give the URL of Latchkey'],
    ['two folders of staged changes', ['--staged', 'a', 'b', ...FORM], '--staged takes one folder'],
  ])('exits with 2 for %s', async (_, args, message) => {
    expect(await (await offlineTerminal()).run('scan', ...args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });
});

describe('latchkey scan --staged', () => {
  test('finds the keys that the next commit adds, with their lines in the new files, and no others', async () => {
    const terminal = await offlineTerminal();
    const run = await repository(terminal);
    await write(terminal, { 'old.txt': `${live}\none\ntwo\n`, 'gone.txt': live });
    await run('add', '-A');
    await run('commit', '-qm', 'one');
    expect(await terminal.run('scan', '--staged', ...FORM)).toEqual({ code: 0, stdout: '', stderr: '' });
    const strange = 'ä b/"c".txt';
    await write(terminal, {
      'old.txt': `${live}\none\n++ b/x ${other}\n--- a\ntwo`,
      [strange]: `\n\n  ${live}`,
      'binary.bin': `\0${live}`,
      'unstaged.txt': live,
    });
    await run('rm', '-q', 'gone.txt');
    await run('add', 'old.txt', strange, 'binary.bin');
    const { code, stdout, stderr } = await terminal.run('scan', '--staged', ...FORM);
    expect([code, stderr, stdout.trim().split('\n').toSorted()]).toEqual([
      1,
      '',
      [`old.txt:3:8  ${shown(other)}  test  certain`, `ä b/\\"c\\".txt:3:3  ${shown(live)}  live  certain`],
    ]);
  });

  test('refuses a commit by pre-commit', async () => {
    const hooks = load(await readFile(new URL('../../.pre-commit-hooks.yaml', import.meta.url), 'utf8'));
    const [{ id, entry }] = hooks as [{ id: string; entry: string }];
    const [npx, yes, latchkey, ...args] = entry.split(' ');
    expect([npx, yes, latchkey]).toEqual(['npx', '--yes', 'latchkey']);
    const guide = await readFile(new URL('../../docs/how-to/find-leaked-keys.md', import.meta.url), 'utf8');
    const { repos } = load(/```yaml\n([^]*?)```/.exec(guide)![1]!) as {
      repos: { hooks: { id: string; args: string[] }[] }[];
    };
    expect(repos[0]!.hooks).toEqual([{ id, args: ['--live-prefix', 'acme_live_', '--checksum'] }]);
    const terminal = await offlineTerminal();
    const run = await repository(terminal);
    await write(terminal, { 'a.txt': live });
    expect((await terminal.run(...args, ...FORM)).code).toBe(0);
    await run('add', 'a.txt');
    expect((await terminal.run(...args, ...FORM)).code).toBe(1);
  });

  test('exits with 2 outside of a repository', async () => {
    const { code, stderr } = await (await offlineTerminal()).run('scan', '--staged', ...FORM);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^git failed: .+\n$/)]);
  });
});

describe('latchkey scan --rules', () => {
  const all = [
    ['a prefix and a checksum', FORM, format.handOut(SECRET, 'live')],
    ['a fixed length', ['--live-prefix', 'mxs_eval_', '--length', '41'], keyOfLength(41)],
  ] as const;

  test('prints the name and the expression of each kind of key for GitHub', async () => {
    const form = ['--live-prefix', 'acme_live_', '--test-prefix', 'acme_test_', '--checksum'];
    const { code, stdout } = await (await offlineTerminal()).run('scan', '--rules', 'github', ...form);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'acme_live_api_key  acme_live_[A-Za-z0-9_-]{13,252}[A-Za-z0-9]{6}',
      'acme_test_api_key  acme_test_[A-Za-z0-9_-]{13,252}[A-Za-z0-9]{6}',
      '',
    ]);
  });

  test.each(all)('prints a regular expression for gitleaks that takes keys of %s', async (_, form, key) => {
    const { code, stdout } = await (await offlineTerminal()).run('scan', '--rules', 'gitleaks', ...form);
    const [[, regex = '']] = [...stdout.matchAll(/^regex = '''(.+)'''$/gm)] as [RegExpMatchArray];
    expect([code, new RegExp(regex).exec(`key=${key};`)?.[0]]).toEqual([0, key]);
    expect(stdout).toMatch(/^\[extend\]\nuseDefault = true\n\n\[\[rules\]\]\nid = "m\w+-(?:live|eval)-api-key"\n/);
    expect(new RegExp(regex).test(key.slice(0, 20))).toBe(false);
  });

  test.each(all)('prints a detector for TruffleHog that takes keys of %s', async (_, form, key) => {
    const { stdout } = await (await offlineTerminal()).run('scan', '--rules', 'trufflehog', ...form);
    const { detectors } = load(stdout) as { detectors: { keywords: string[]; regex: { key: string } }[] };
    const [{ keywords, regex }] = detectors as [(typeof detectors)[number]];
    expect([key.includes(keywords[0]!), new RegExp(regex.key).exec(key)?.[0]]).toEqual([true, key]);
  });
});

function keyOfLength(length: number): string {
  const rules = KeyRules.parse({ prefixes: ['sk_'], format: { live: 'mxs_eval_', length } });
  return makeKeyFormat(rules).handOut(SECRET, 'live');
}

describe('a scan with the service', () => {
  test('asks it without a credential what keys look like, also for the rules', async () => {
    const service = await startService({}, { product: memsolus });
    const terminal = await openTerminal({ env: { LATCHKEY_URL: service.url }, stdin: `${live} ${other} ${SECRET}` });
    expect((await terminal.run('scan', '-')).stdout).toBe(
      `-:1:1  ${shown(live)}  live  certain\n-:1:${live.length + 2}  ${shown(other)}  test  certain\n`,
    );
    expect((await terminal.run('scan', '--rules', 'gitleaks')).stdout).toContain('id = "msk-test-api-key"');
  });

  test('sends keys with --verify alone, and says which are good', async () => {
    const service = await startService();
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const token = await acme.session('owner');
    const { value } = await createKey(service, token, { label: 'deploy' });
    const env = { LATCHKEY_URL: service.url, LATCHKEY_TOKEN: SERVICE_TOKEN };
    const bodies: string[] = [];
    const watching: typeof fetch = async (input, init) => {
      if (typeof init?.body === 'string') bodies.push(init.body);
      return fetch(input, init);
    };
    const terminal = await openTerminal({ env, stdin: `${value}\n${SECRET}\n${value}`, fetch: watching });
    const plain = await terminal.run('scan', '-');
    expect([plain.code, plain.stdout.split('\n').length - 1, bodies]).toEqual([1, 3, []]);
    const verified = await terminal.run('scan', '-', '--verify');
    expect([verified.code, verified.stderr, verified.stdout.match(/\S+$/gm), bodies.length]).toEqual([
      1,
      '',
      ['valid', 'not_found', 'valid'],
      1,
    ]);
    expect(verified.stdout).not.toContain(value.slice(5, 20));
    const json = await terminal.run('scan', '-', '--verify', '--json');
    expect(JSON.parse(json.stdout.split('\n')[1]!)).toMatchObject({ line: 2, verdict: 'not_found' });
    const refused = await openTerminal({ env: { ...env, LATCHKEY_TOKEN: 'nothing' }, stdin: value });
    expect(await refused.run('scan', '-', '--verify')).toMatchObject({ code: 2, stdout: '' });
  });
});
