import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Builds the console once for all stories, unless it is built. */
export function setup(): void {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-console.ts'), '--if-changed'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
}
