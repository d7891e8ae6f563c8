import { constants, createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Found } from './key-pattern.ts';
import { mask } from './print.ts';
import { scanDiff } from './scan-diff.ts';
import { scanStream } from './scan-stream.ts';
import type { Finding, Sighting } from './scan-stream.ts';
import { reasonOf, walk } from './walk.ts';

/** How many files were read, keys found, and paths not read. */
export type Counts = { files: number; keys: number; problems: number };

export type ScanOptions = {
  findKeys: (text: string) => Found[];
  /** The key itself is for a verification alone: a finding is printed without it. */
  onFound: (found: Finding, key: string) => void;
  onProblem: (path: string, problem: string) => void;
  onProgress?: (counts: Readonly<Counts>) => void;
  /** Ends the scan early; it rejects with the signal's reason. */
  signal?: AbortSignal;
};
type Sources = {
  /** Read for the path `-`. */
  stdin: () => AsyncIterable<Uint8Array>;
  /** What relative paths start from; the working folder of the process unless given. */
  folder?: string;
};

const CHUNK_BYTES = 1024 * 1024;
// If a link or pipe has replaced the file since it was listed, it is neither followed nor waited for.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Looks for keys in files and folders. */
export async function scanPaths(paths: readonly string[], options: ScanOptions & Sources): Promise<Counts> {
  const { counts, problem, found } = makeReport(options);
  const scan = async (path: string, chunks: AsyncIterable<Uint8Array>) => {
    counts.files++;
    options.onProgress?.(counts);
    await scanStream(chunks, options.findKeys, (sighting, key) => found(path, sighting, key)).catch(
      (error: unknown) => {
        options.signal?.throwIfAborted();
        problem(path, reasonOf(error));
      },
    );
  };
  for (const named of paths) {
    options.signal?.throwIfAborted();
    if (named === '-') {
      await scan('-', options.stdin());
      continue;
    }
    for await (const each of walk(named, options.folder)) {
      options.signal?.throwIfAborted();
      if ('problem' in each) problem(each.path, each.problem);
      else await scan(each.path, open(resolve(options.folder ?? '', each.path), options.signal));
    }
  }
  return counts;
}

/** Looks for keys in the lines that a diff adds: one of Git, without context. */
export async function scanAdded(diff: AsyncIterable<Uint8Array>, options: ScanOptions): Promise<Counts> {
  const { counts, found } = makeReport(options);
  await scanDiff(diff, {
    findKeys: options.findKeys,
    onFile() {
      counts.files++;
      options.onProgress?.(counts);
      options.signal?.throwIfAborted();
    },
    onFound: ({ path, ...sighting }, key) => found(path, sighting, key),
  });
  return counts;
}

function makeReport(options: ScanOptions) {
  const counts = { files: 0, keys: 0, problems: 0 };
  // A path may contain a key itself.
  const masked = (path: string) => mask(path, options.findKeys(path));
  return {
    counts,
    problem(path: string, text: string): void {
      counts.problems++;
      options.onProblem(masked(path), text);
    },
    found(path: string, sighting: Sighting, key: string): void {
      counts.keys++;
      options.onFound({ path: masked(path), ...sighting }, key);
    },
  };
}

function open(path: string, signal: AbortSignal | undefined) {
  return createReadStream(path, { flags: FLAGS as never, highWaterMark: CHUNK_BYTES, signal });
}
