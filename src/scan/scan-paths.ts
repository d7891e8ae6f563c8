import { constants, createReadStream } from 'node:fs';
import type { Found } from '../api-keys/format/key-pattern.ts';
import { scanStream } from './scan-stream.ts';
import type { Sighting } from './scan-stream.ts';
import { reasonOf, walk } from './walk.ts';

export type Finding = Sighting & { path: string };

type Options = {
  findKeys: (text: string) => Found[];
  /** Read for the path `-`. */
  stdin: AsyncIterable<Uint8Array>;
  onFound: (found: Finding) => void;
  onProblem: (path: string, problem: string) => void;
};

const CHUNK_BYTES = 1024 * 1024;
// If a link or pipe has replaced the file since it was listed, it is neither followed nor waited for.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Looks for keys in files and folders. @returns the numbers of files, keys and problems */
export async function scanPaths(paths: readonly string[], options: Options) {
  const counts = { files: 0, keys: 0, problems: 0 };
  // A path may contain a key itself.
  const masked = (path: string) => mask(path, options.findKeys(path));
  const problem = (path: string, text: string) => {
    counts.problems++;
    options.onProblem(masked(path), text);
  };
  const scan = async (path: string, chunks: AsyncIterable<Uint8Array>) => {
    counts.files++;
    const onFound = (sighting: Sighting) => {
      counts.keys++;
      options.onFound({ path: masked(path), ...sighting });
    };
    await scanStream(chunks, options.findKeys, onFound).catch((error: unknown) => problem(path, reasonOf(error)));
  };
  for (const named of paths) {
    if (named === '-') {
      await scan('-', options.stdin);
      continue;
    }
    for await (const each of walk(named)) {
      if ('problem' in each) problem(each.path, each.problem);
      else await scan(each.path, createReadStream(each.path, { flags: FLAGS as never, highWaterMark: CHUNK_BYTES }));
    }
  }
  return counts;
}

export function shown({ prefix, last4 }: Pick<Found, 'prefix' | 'last4'>): string {
  return `${prefix}…${last4}`;
}

function mask(text: string, keys: readonly Found[]): string {
  let [result, from] = ['', 0];
  for (const key of keys) {
    result += text.slice(from, key.start) + shown(key);
    from = key.end;
  }
  return result + text.slice(from);
}
