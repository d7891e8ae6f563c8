import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** The release before this one; the one place to change when there is another. */
export const LAST_RELEASE = '9be7e997516e34f6bd2d5893fcebdfeef85bb3a0';

const ROOT = new URL('../..', import.meta.url).pathname;

/**
 * The sources of the last release in a folder of their own, with this release's packages.
 * @throws Error where the history does not have it: a test that cannot compare releases must not pass
 */
export function checkOutLastRelease(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 });
  try {
    git('cat-file', '-e', `${LAST_RELEASE}^{commit}`);
  } catch {
    throw new Error(
      `The commit ${LAST_RELEASE} of the last release is not in this repository. A shallow clone has not got it: run git fetch --unshallow, or clone with the whole history.`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-last-release-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync('tar', ['-x', '-C', folder], { input: git('archive', '--format=tar', LAST_RELEASE) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
