import { AppError } from '../errors.ts';
import type { MirrorRead, ReadMirror, ReadMirrorOfMany } from './mirror-record.ts';

/** Runs work as part of the request that it is for. */
type Within = <Result>(work: () => Result) => Result;

type Waiting = {
  hashes: readonly Buffer[];
  sinceMs: number;
  within: Within | undefined;
  resolve: (read: MirrorRead | undefined) => void;
  reject: (error: unknown) => void;
};

type Options = {
  nowMs?: () => number;
  /** Returns how to run a batch as part of the running request, if that is traced. */
  keepRequest?: (() => Within | undefined) | undefined;
};

const MAX_RUNNING = 4;
const MAX_KEYS = 200;
/** As long as the wait for a connection. */
const MAX_WAIT_MS = 3_000;
const RETRY_SECONDS = 2;

/**
 * Combines reads of single keys into batches: those of one turn, and those that come while four queries run. A single
 * read runs at once. A flood of unknown keys so becomes a few queries at a time.
 */
export function gatherReads(
  readMany: ReadMirrorOfMany,
  { nowMs = () => performance.now(), keepRequest }: Options = {},
): ReadMirror {
  let waiting: Waiting[] = [];
  let running = 0;
  let isStarting = false;

  function start(): void {
    isStarting = false;
    while (running < MAX_RUNNING && waiting.length > 0) {
      const batch = waiting.slice(0, MAX_KEYS);
      waiting = waiting.slice(MAX_KEYS);
      void run(batch.filter(inTime));
    }
  }

  async function run(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    running++;
    const { within } = batch.find((each) => each.within) ?? {};
    await (within ? within(() => readFor(batch, readMany)) : readFor(batch, readMany));
    running--;
    start();
  }

  function inTime({ sinceMs, reject }: Waiting): boolean {
    if (nowMs() - sinceMs <= MAX_WAIT_MS) return true;
    reject(tooLate());
    return false;
  }

  return (hashes) =>
    new Promise((resolve, reject) => {
      waiting.push({ hashes, sinceMs: nowMs(), within: keepRequest?.(), resolve, reject });
      if (isStarting || running >= MAX_RUNNING) return;
      isStarting = true;
      // After the reads of all requests that this turn receives.
      setImmediate(start);
    });
}

async function readFor(batch: readonly Waiting[], readMany: ReadMirrorOfMany): Promise<void> {
  try {
    const found = await readMany(batch.flatMap(({ hashes }) => hashes));
    const byName = new Map(found.map((read) => [nameOf(read.hash), read]));
    for (const { hashes, resolve } of batch) {
      const known = hashes.find((hash) => byName.has(nameOf(hash)));
      resolve(known && byName.get(nameOf(known)));
    }
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

function nameOf(hash: Buffer): string {
  return hash.toString('latin1');
}

function tooLate(): AppError {
  return new AppError('database_unavailable', 'The database is too busy now. Try again shortly.', {
    details: { retry_after: RETRY_SECONDS },
  });
}
