import { lstat, opendir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

export type Walked = { path: string } | { path: string; problem: string };

const MAX_DEPTH = 100;
/** Compressed by Git; `git log -p | npm run scan -- -` scans the history. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['.git']);

/** Yields the file at a path, or all files below the folder, as they are named from `base`. Follows no links. */
export async function* walk(path: string, base = ''): AsyncGenerator<Walked> {
  const kind = await lstat(resolve(base, path)).catch((error: unknown) => reasonOf(error));
  if (typeof kind === 'string') yield { path, problem: kind };
  else if (kind.isFile()) yield { path };
  else if (kind.isDirectory()) yield* walkFolder(path, base, 1);
  else
    yield {
      path,
      problem: kind.isSymbolicLink() ? 'is a link, which is not followed' : 'is neither a file nor a folder',
    };
}

async function* walkFolder(path: string, base: string, depth: number): AsyncGenerator<Walked> {
  if (depth > MAX_DEPTH) return yield { path, problem: `is more than ${MAX_DEPTH} folders deep, and was not scanned` };
  try {
    for await (const entry of await opendir(resolve(base, path))) {
      const inner = join(path, entry.name);
      if (entry.isFile()) yield { path: inner };
      else if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) yield* walkFolder(inner, base, depth + 1);
    }
  } catch (error) {
    yield { path, problem: reasonOf(error) };
  }
}

/** Says why something cannot be read, with the system's error code alone: its message may repeat the path. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  return `cannot be read${code === undefined ? '' : ` (${code})`}`;
}
