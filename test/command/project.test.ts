import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseProduct } from '../../src/product/read-product.ts';
import { makeRunProgram } from '../../src/command/process-context.ts';
import { openTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const run = promisify(execFile);
const PRELOAD = new URL('../client/as-published.ts', import.meta.url).href;

const git = makeRunProgram({
  PATH: process.env['PATH'],
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CEILING_DIRECTORIES: '/tmp',
});
const open = (options: Parameters<typeof openTerminal>[0] = {}) =>
  openTerminal({ ...options, ends: async ({ program, args }) => git(program, args) });
const read = ({ folder }: Terminal, name: string) => readFile(join(folder, name), 'utf8');

describe('latchkey init', () => {
  test('writes a module that guards routes, and the variables that it needs', async () => {
    const terminal = await open();
    const ran = await terminal.run('init', '--url', 'https://keys.acme.test/');
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([
      0,
      '',
      expect.stringMatching(/^Wrote latchkey\.mjs, \.env\.\n/),
    ]);
    expect(await read(terminal, '.env')).toBe('LATCHKEY_URL=https://keys.acme.test\nLATCHKEY_TOKEN=\n');
    expect((await stat(join(terminal.folder, '.env'))).mode & 0o777).toBe(0o600);
    const load = async (token: string) =>
      run(process.execPath, ['--import', PRELOAD, '--input-type=module', '-e', USE], {
        cwd: terminal.folder,
        env: { LATCHKEY_URL: 'https://keys.acme.test', LATCHKEY_TOKEN: token },
      });
    expect((await load('svc_x')).stdout).toBe('function function\n');
    await expect(load('')).rejects.toThrow('Set LATCHKEY_URL and LATCHKEY_TOKEN');
  });

  test('writes TypeScript where there is a tsconfig.json', async () => {
    const terminal = await open();
    await writeFile(join(terminal.folder, 'tsconfig.json'), '{}');
    expect((await terminal.run('init')).code).toBe(0);
    expect(await read(terminal, 'latchkey.ts')).toContain('(...scopes: string[]) => requireApiKey');
    expect(await read(terminal, '.env')).toContain('LATCHKEY_URL=http://127.0.0.1:3000\n');
  });

  test('keeps the variables and lines that are there, and hides .env from Git', async () => {
    const terminal = await open();
    await git('git', ['init', '-q', terminal.folder]);
    await writeFile(join(terminal.folder, '.env'), 'PORT=1\nexport LATCHKEY_URL=https://mine.test', { mode: 0o640 });
    await writeFile(join(terminal.folder, '.gitignore'), 'dist');
    const { stderr } = await terminal.run('init');
    expect(stderr).toMatch(/^Wrote latchkey\.mjs, \.env, \.gitignore\.\n/);
    expect(await read(terminal, '.env')).toBe('PORT=1\nexport LATCHKEY_URL=https://mine.test\nLATCHKEY_TOKEN=\n');
    expect((await stat(join(terminal.folder, '.env'))).mode & 0o777).toBe(0o640);
    expect(await read(terminal, '.gitignore')).toBe('dist\n.env\n');
    expect((await terminal.run('init', '--yes')).stderr).toMatch(/^Wrote latchkey\.mjs\.\n/);
  });

  test('replaces no file unasked: without a terminal it needs --yes, and nothing is written', async () => {
    const terminal = await open();
    await writeFile(join(terminal.folder, 'latchkey.mjs'), 'mine');
    expect(await terminal.run('init')).toMatchObject({
      code: 2,
      stderr: 'Replace latchkey.mjs? Without a terminal, give --yes.\n',
    });
    expect(await (await open({ folder: terminal.folder, person: 'n' })).run('init')).toMatchObject({ code: 1 });
    expect(await read(terminal, 'latchkey.mjs')).toBe('mine');
    await expect(read(terminal, '.env')).rejects.toThrow('ENOENT');
    expect((await (await open({ folder: terminal.folder, person: 'y' })).run('init')).code).toBe(0);
    expect(await read(terminal, 'latchkey.mjs')).not.toBe('mine');
  });

  test('writes a product file that the service takes, whatever its name', async () => {
    const terminal = await open();
    const named = ['--folder', 'products/acme', '--name', 'A "quoted": name'];
    expect(await terminal.run('init', 'product', ...named)).toMatchObject({
      code: 0,
      stderr: 'Wrote latchkey.yaml.\nNext: latchkey config lint latchkey.yaml\n',
    });
    const text = await read(terminal, 'products/acme/latchkey.yaml');
    expect(parseProduct(text, 'latchkey.yaml').product).toBe('A "quoted": name');
    expect((await terminal.run('init', 'product', '--folder', 'products/acme')).code).toBe(2);
    await mkdir(join(terminal.folder, 'evermuse'));
    await terminal.run('init', 'product', '--folder', 'evermuse');
    expect(await read(terminal, 'evermuse/latchkey.yaml')).toContain('product: "evermuse"\n');
  });

  test('refuses another part', async () => {
    expect(await (await open()).run('init', 'server')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must be client or product'),
    });
  });
});

const USE = `const { client, withKey } = await import('./latchkey.mjs'); console.log(typeof client.verify, typeof withKey('a'));`;

describe('latchkey config lint', () => {
  test("asks the service's own package, and exits as it does", async () => {
    const terminal = await openTerminal({ server: 1 });
    expect((await terminal.run('config', 'lint', '--json', 'a.yaml', 'b.yaml')).code).toBe(1);
    expect(terminal.programs.map(({ program, args }) => [program, ...args])).toEqual([
      ['latchkey-server', 'config', 'lint', '--json', '--', 'a.yaml', 'b.yaml'],
    ]);
  });

  test('exits with 2 where that package is not installed', async () => {
    expect(await (await openTerminal()).run('config', 'lint', 'a.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Run npm install latchkey-server.'),
    });
  });
});
