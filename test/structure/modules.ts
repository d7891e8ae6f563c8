import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';

/** A source file: its path below src/, the modules of ours that it imports, packages, and its text. */
export type Module = { path: string; imports: string[]; packages: string[]; text: string };

const ROOT = join(import.meta.dirname, '..', '..', 'src');

// Every form that loads a module: `import … from`, `export … from`, `import '…'`, `import('…')`, types included.
const SPECIFIER =
  /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

export function readModules(): Module[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => parseModule(path.replaceAll('\\', '/'), readFileSync(join(ROOT, path), 'utf8')));
}

export function parseModule(path: string, text: string): Module {
  const specifiers = [...text.matchAll(SPECIFIER)].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic)!);
  const own = specifiers.filter((specifier) => specifier.startsWith('.'));
  return {
    path,
    imports: own.map((specifier) => posix.join(posix.dirname(path), specifier)),
    packages: specifiers.filter((specifier) => !specifier.startsWith('.')),
    text,
  };
}
