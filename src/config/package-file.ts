import { existsSync } from 'node:fs';

/** Returns a file of the package. This source is two folders below the package's root, its build three, its bundle one. */
export function packageFile(path: string): URL {
  const roots = ['../', '../../', '../../../'].map((up) => new URL(up, import.meta.url));
  const root = roots.find((candidate) => existsSync(new URL('package.json', candidate)));
  if (!root) throw new Error('package.json is missing');
  return new URL(path, root);
}
