import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { makeKeyFormat } from '../../src/api-keys/format/key-format.ts';
import { KeyRules } from '../../src/product/key-rules.ts';
import { parse, stringify } from 'yaml';

const ENTRY = new URL('../../src/cli/scan.ts', import.meta.url).pathname;
const SECRET = 'sk_4fG7hJ9kL2mN5pQ8rS1tU3vW6xY0zA2bC4dE6fG8hJ1';
const api_keys = { prefixes: ['sk_'], format: { live: 'msk_live_', test: 'msk_test_', checksum: true } };
const format = makeKeyFormat(KeyRules.parse(api_keys));
const [live, other] = [format.handOut(SECRET, 'live'), format.handOut(`${SECRET}x`, 'test')];
const nearly = `${live.slice(0, -1)}${live.endsWith('a') ? 'b' : 'a'}`;

const folder = await mkdtemp(join(tmpdir(), 'scan-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const config = join(folder, 'product.yaml');
const usual = parse(await readFile(new URL('../../config/evershell.yaml', import.meta.url), 'utf8')) as object;
await writeFile(config, stringify({ ...usual, api_keys }));

let folders = 0;
async function makeFiles(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const root = join(folder, `tree-${folders++}`);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

type Ended = { code: number; stdout: string; stderr: string };
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  new Promise<Ended>((resolve) => {
    execFile(
      process.execPath,
      [ENTRY, ...args],
      // No database, and nowhere to connect to.
      { env: { PATH: '', LATCHKEY_CONFIG: config, ...env }, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

test('finds the keys in many files, and prints none of them', async () => {
  const noise = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`src/${i % 20}/file-${i}.ts`, `export const a${i} = '${nearly}';\n`]),
  );
  const root = await makeFiles({
    ...noise,
    'deep/er/.env': `A=1\nKEY=${live}\n`,
    'src/3/hidden.json': `{"key": "${other}"}`,
    '.git/config': live,
    'image.png': Buffer.concat([Buffer.from([0x89, 0, 1]), Buffer.from(live)]),
  });
  await symlink(join(root, 'deep'), join(root, 'again'));
  const { code, stdout, stderr } = await run([root]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout.split('\n').sort()).toEqual(
    [
      '',
      `${join(root, 'deep/er/.env')}:2:5  msk_live_…${live.slice(-4)}  live  certain`,
      `${join(root, 'src/3/hidden.json')}:1:10  msk_test_…${other.slice(-4)}  test  certain`,
    ].sort(),
  );
  expect(stdout).not.toContain(live.slice(9, 25));
});

test('prints JSON with --json, one object a line', async () => {
  const root = await makeFiles({ 'a.txt': live });
  const { code, stdout } = await run(['--json', join(root, 'a.txt')]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    path: join(root, 'a.txt'),
    line: 1,
    column: 1,
    key: `msk_live_…${live.slice(-4)}`,
    environment: 'live',
    sureness: 'certain',
  });
});

test('exits with 0 when there is no key, near misses included', async () => {
  const root = await makeFiles({ 'a.txt': `${nearly} ${SECRET} msk_live_ msk_live_short`, empty: '' });
  expect(await run([root])).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('reads standard input', async () => {
  const child = spawn(process.execPath, [ENTRY, '-'], { env: { LATCHKEY_CONFIG: config } });
  child.stdin.end(`diff\n+${live}\n`);
  const stdout = await text(child.stdout);
  expect(stdout).toBe(`-:2:2  msk_live_…${live.slice(-4)}  live  certain\n`);
  await expect.poll(() => child.exitCode).toBe(1);
});

test('reads a line of 50 MB in bounded memory', async () => {
  const [begins, half] = [Buffer.alloc(1024 * 1024, 'msk_live_'), Buffer.alloc(25 * 1024 * 1024, 'x-')];
  const root = await makeFiles({
    'long.txt': Buffer.concat([begins, half, Buffer.from(` ${live} `), half]),
  });
  const started = performance.now();
  const { code, stdout } = await run([root], { NODE_OPTIONS: '--max-old-space-size=64' });
  expect(code).toBe(1);
  expect(stdout).toBe(
    `${join(root, 'long.txt')}:1:${begins.length + half.length + 2}  msk_live_…${live.slice(-4)}  live  certain\n`,
  );
  expect(performance.now() - started).toBeLessThan(30_000);
}, 40_000);

test('names unreadable files, scans the rest, and exits with 2', async () => {
  const root = await makeFiles({ 'a.txt': live });
  await symlink('a.txt', join(root, 'link'));
  const missing = join(root, 'missing');
  const { code, stdout, stderr } = await run([missing, join(root, 'link'), root]);
  expect(code).toBe(2);
  expect(stderr).toContain(`${missing}: cannot be read (ENOENT)`);
  expect(stderr).toContain('is a link, which is not followed');
  expect(stdout).toContain('certain');
});

test.skipIf(process.platform !== 'linux')('reports a file that fails during the read', async () => {
  // Nothing is mapped at its beginning.
  expect(await run(['/proc/self/mem'])).toMatchObject({ code: 2, stderr: expect.stringContaining('EIO') as string });
});

// The superuser reads everything.
test.skipIf(process.getuid?.() === 0)('reports a file without read permission', async () => {
  const root = await makeFiles({ 'a.txt': live });
  await chmod(join(root, 'a.txt'), 0);
  expect(await run([root])).toMatchObject({ code: 2, stderr: expect.stringContaining('EACCES') as string });
});

test('masks a key in a file name, and escapes terminal control characters', async () => {
  const root = await makeFiles({ [`${live}\u001b[2J.txt`]: live });
  const { stdout } = await run([root]);
  expect(stdout).not.toContain(live);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toContain(`msk_live_…${live.slice(-4)}?[2J.txt:1:1`);
});

test.each([[[]], [['--what']], [['--json']]])('prints its usage for %j and exits with 2', async (args) => {
  expect(await run(args)).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage') as string });
});

test('exits with 2 for an unreadable configuration', async () => {
  const { code, stderr } = await run([folder], { LATCHKEY_CONFIG: join(folder, 'none.yaml') });
  expect(code).toBe(2);
  expect(stderr).not.toBe('');
});
