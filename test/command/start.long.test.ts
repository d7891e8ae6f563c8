import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openTerminal, temporaryFolder } from './terminal.ts';

const MAIN = join(import.meta.dirname, '../../src/command/main.ts');
const run = promisify(execFile);

/** Every source that is loaded before a command runs: what `file` imports, not what it loads later. */
async function loadedBy(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.startsWith('/')) return seen;
  const text = await readFile(file, 'utf8');
  for (const [, from = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm))
    await loadedBy(from.startsWith('.') ? join(dirname(file), from) : from, seen);
  return seen;
}

describe('latchkey --help', () => {
  test('loads the tree of commands and their parser alone', async () => {
    const loaded = [...(await loadedBy(join(dirname(MAIN), 'application.ts')))];
    expect(loaded.filter((name) => !name.startsWith('/'))).toEqual(['@stricli/core']);
    expect(loaded.filter((name) => name.includes('/src/client/'))).toEqual([]);
    expect(loaded.length).toBeLessThan(10);
  });

  test('describes every command and flag in one line each', async () => {
    const terminal = await openTerminal();
    const { code, stdout } = await terminal.run('--help');
    expect(code).toBe(0);
    for (const name of ['login', 'logout', 'whoami', 'keys', 'sets', 'scopes', 'org', 'billing', 'audit', 'completion'])
      expect(stdout).toMatch(new RegExp(`^  ${name} +[A-Z]`, 'm'));
    expect((await terminal.run('keys', 'create', '--help')).stdout).toMatch(/^ +\[--expires-in\] +Lifetime from now/m);
    expect((await terminal.run('--version')).stdout).toBe('1.2.3\n');
  });
});

test.each([
  [['kyes'], 'did you mean `keys`?'],
  [['keys', 'lits'], 'did you mean `list`?'],
  [['keys', 'list', '--stauts', 'active'], 'did you mean --status?'],
  [['keys', 'list', '--status', 'actve'], 'active'],
  [['keys', 'list', '--limit', '-1'], 'must be a whole number'],
  [['keys', 'show'], 'Expected argument for id'],
  [['keys', 'create', '--permission-set', 'read_only'], '--label'],
])('%j exits with 2 and says what is meant', async (args, hint) => {
  const { code, stdout, stderr } = await (await openTerminal()).run(...args);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(hint)]);
});

test('exits with 4 where it is not signed in, and reports the envelope with --json', async () => {
  const plain = await run(process.execPath, [MAIN, 'keys', 'list'], { env: { HOME: await temporaryFolder() } }).catch(
    (error: unknown) => error as { code: number; stderr: string },
  );
  expect(plain).toMatchObject({
    code: 4,
    stderr: 'Profile default is not signed in. Run latchkey login, or set LATCHKEY_TOKEN.\n',
  });
});

describe('latchkey completion', () => {
  test('completes commands, flags and values in bash', async () => {
    const folder = await temporaryFolder();
    const command = join(folder, 'latchkey');
    await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    await chmod(command, 0o755);
    const complete = async (...words: string[]) => {
      const script = `eval "$(latchkey completion bash)"; COMP_WORDS=(latchkey "$@"); COMP_CWORD=$#; _latchkey; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await run('bash', ['-c', script, 'bash', ...words], {
        env: { PATH: `${folder}:${process.env['PATH']}` },
      });
      return stdout.trim().split('\n');
    };
    expect(await complete('ke')).toEqual(['keys']);
    expect(await complete('keys', 're')).toEqual(['review', 'resume', 'revoke']);
    expect(await complete('keys', 'create', '--per')).toEqual(['--permission-set']);
    expect(await complete('keys', 'list', '--status', 'a')).toEqual(['active']);
  }, 120_000);

  test('refuses a shell that it does not know', async () => {
    expect(await (await openTerminal()).run('completion', 'tcsh')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('latchkey server', () => {
  test('hands everything behind it to the package of the service, and ends as that does', async () => {
    const terminal = await openTerminal({ server: 3 });
    expect((await terminal.run('server', 'reconcile', '--dry-run', '--json')).code).toBe(3);
    expect((await terminal.run('dev')).code).toBe(3);
    expect(terminal.programs.map(({ args }) => args)).toEqual([['reconcile', '--dry-run', '--json'], ['dev']]);
  });

  test('says which package is missing', async () => {
    const { code, stderr } = await (await openTerminal()).run('server', 'migrate');
    expect([code, stderr]).toEqual([1, expect.stringContaining('Run npm install latchkey-server.')]);
  });

  test.each([
    ['an installed package', 'node_modules/latchkey-server', 'dist/src/cli/main.js'],
    ['a clone that is not built', '.', 'src/cli/main.ts'],
  ])('runs the server of %s', async (_what, home, file) => {
    const folder = await temporaryFolder();
    const bin = { 'latchkey-server': 'dist/src/cli/main.js' };
    const exports = { './package.json': './package.json' };
    await mkdir(dirname(join(folder, home, file)), { recursive: true });
    const manifest = JSON.stringify({ name: 'latchkey-server', type: 'module', bin, exports });
    await writeFile(join(folder, home, 'package.json'), manifest);
    await writeFile(join(folder, home, file), "console.log('ran', ...process.argv.slice(2));");
    const { stdout } = await run(process.execPath, [MAIN, 'server', 'reconcile', '--dry-run'], { cwd: folder });
    expect(stdout).toBe('ran reconcile --dry-run\n');
  });
});
