import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');
/** Never run by the service: the local WorkOS, and the command that imports keys, whose crashes have tests of their own. */
const APART = ['emulator', 'imports'];
const NAMED = /\bat\(\s*(['`])([^'`]+)\1\s*\)/g;
/** `provision-key.ts` names its points after who provisions. */
const PROVISIONERS = ['create', 'rotate'];

/** Dies not at a point but after a time, which is between any two of them. */
export const ANY_TIME = 'any time';

/** Every fault point that the sources name, sorted. */
export function collectPoints(): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || APART.some((folder) => file.startsWith(folder))) continue;
    for (const [, , name = ''] of readFileSync(join(SOURCES, file), 'utf8').matchAll(NAMED)) {
      for (const expanded of expand(name)) names.add(expanded);
    }
  }
  return [...names].toSorted((a, b) => (a < b ? -1 : 1));
}

function expand(name: string): string[] {
  if (!name.includes('${')) return [name];
  if (!name.startsWith('${name}.')) throw new Error(`the fault point '${name}' cannot be read from its template`);
  return PROVISIONERS.map((provisioner) => name.replace('${name}', provisioner));
}
