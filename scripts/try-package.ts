import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lintPackage, tryClient } from './try-client.ts';
import type { Project } from './try-client.ts';

// `npm run try:package`: packs both packages, installs them into empty projects as users do, and uses them there: the client, the
// middleware, the element's types, the component and the command with npm 10 and 11, TypeScript 5 and 7, and React 18 and 19, and
// the production start of the service.
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'latchkey-package-'));
/** The most bytes of the package that other services install. */
const CLIENT_BUDGET = 400_000;
const PROJECTS: readonly Omit<Project, 'folder'>[] = [
  { npm: '11', typescript: '7', react: '19' },
  { npm: '10', typescript: '5', react: '18' },
];

try {
  const client = pack('client', join(root, 'packages', 'latchkey'));
  const server = pack('server', root);
  lintPackage(client, root);
  for (const versions of PROJECTS) tryClientIn({ ...versions, folder: project(`npm-${versions.npm}`) }, client);
  tryServerIn(project('server'), client, server);
  tryAction();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Packs a package into a folder of its own, and returns the file. */
function pack(name: string, from: string): string {
  const into = join(folder, name);
  mkdirSync(into);
  execFileSync('npm', ['pack', '--pack-destination', into, '--loglevel=error'], {
    cwd: from,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [file] = readdirSync(into);
  return join(into, file!);
}

function project(name: string): string {
  const into = join(folder, 'projects', name);
  mkdirSync(into, { recursive: true });
  writeFileSync(join(into, 'package.json'), JSON.stringify({ name: 'a-user-of-latchkey', private: true }));
  return into;
}

function install({ npm, folder: cwd }: Pick<Project, 'npm' | 'folder'>, ...packages: string[]): void {
  const options = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];
  execFileSync('npx', ['--yes', `npm@${npm}`, 'install', ...packages, ...options], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function tryClientIn(at: Project, client: string): void {
  install(at, client);
  const installed = join(at.folder, 'node_modules');
  const others = readdirSync(installed).filter((name) => !name.startsWith('.') && name !== 'latchkey');
  if (others.length > 0) throw new Error(`latchkey brings along ${others.join(', ')}`);
  const bytes = sizeOf(join(installed, 'latchkey'));
  if (bytes > CLIENT_BUDGET) throw new Error(`latchkey has ${bytes} bytes; at most ${CLIENT_BUDGET} are allowed`);
  const reacts = ['react', 'react-dom', '@types/react'].map((name) => `${name}@${at.react}`);
  install(at, `typescript@${at.typescript}`, 'express@5', '@types/express@5', '@types/node@24', ...reacts);
  tryClient(at);
  say(`latchkey works with npm ${at.npm}, TypeScript ${at.typescript} and React ${at.react}, and has ${bytes} bytes`);
}

function tryServerIn(at: string, client: string, server: string): void {
  // The package brings Node as an optional dependency; here, this Node runs it.
  install({ npm: '11', folder: at }, server, client, '--omit=optional');
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [join(at, 'node_modules/latchkey/dist/latchkey.js'), ...args], {
      cwd: at,
      encoding: 'utf8',
    });
  if (!run('server', 'audit', 'verify', '--help').startsWith('Usage: latchkey-server audit verify'))
    throw new Error('latchkey server does not find latchkey-server');
  const code = join(at, 'node_modules/latchkey-server/dist/src');
  execFileSync(process.execPath, [join(root, 'scripts/try-production.ts'), code], { cwd: root, stdio: 'inherit' });
}

/** Builds the GitHub Action, and runs it where there is no job: its step says what is missing, its end has nothing to do. */
function tryAction(): void {
  execFileSync(process.execPath, [join(root, 'scripts/build-action.ts')], { cwd: root, stdio: 'inherit' });
  const step = (file: string) =>
    spawnSync(process.execPath, [join(root, 'action/dist', file)], { encoding: 'utf8', env: {} });
  const [main, post] = [step('main.mjs'), step('post.mjs')];
  if (main.status !== 1 || !main.stdout.startsWith('::error::Input required and not supplied: url'))
    throw new Error(`the step of the action said ${main.stdout}${main.stderr}`);
  if (post.status !== 0 || post.stdout !== '')
    throw new Error(`the end of the action said ${post.stdout}${post.stderr}`);
  say('the GitHub Action is built and starts');
}

function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

function say(line: string): void {
  process.stdout.write(`  ${line}\n`);
}
