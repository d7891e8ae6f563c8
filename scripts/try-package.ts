import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryClient } from './try-client.ts';

// `npm run try:package`: packs what `npm run build` made, installs it into an empty folder as a user would, and tries
// what is there: what services import, and the production start. Node itself comes along as an optional dependency;
// this one runs it here.
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'latchkey-package-'));
const npm = (args: readonly string[], cwd: string) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });

try {
  npm(['pack', '--pack-destination', folder], root);
  const [tarball] = readdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a-user-of-latchkey', private: true }));
  npm(['install', `./${tarball}`, '--omit=optional', '--ignore-scripts'], folder);
  tryClient(folder);
  const code = join(folder, 'node_modules', 'latchkey', 'dist', 'src');
  execFileSync(process.execPath, [join(root, 'scripts', 'try-production.ts'), code], { cwd: root, stdio: 'inherit' });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
