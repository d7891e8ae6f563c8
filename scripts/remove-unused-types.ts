import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const IMPORTED = /(?:\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}\/[^"']+)\1/g;

/** Removes the declarations in a folder that its entries do not lead to: those of what a module keeps to itself. */
export function removeUnusedTypes(folder: string, entries: readonly string[]): void {
  const used = new Set<string>();
  const left = entries.map((entry) => join(folder, entry));
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (used.has(file)) continue;
    used.add(file);
    for (const [, , path] of readFileSync(file, 'utf8').matchAll(IMPORTED))
      left.push(join(dirname(file), path!.replace(/\.(?:ts|js)$/, '.d.ts')));
  }
  for (const { parentPath, name } of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(parentPath, name);
    if (name.endsWith('.d.ts') && !used.has(file)) rmSync(file);
  }
}
