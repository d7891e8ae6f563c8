import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { OverLimit } from '../../limits/guesses/failed-credentials.ts';
import type { Asked } from './check-worker.ts';

type Options = {
  log: Pick<Logger, 'warn'>;
  /** Called for each check that was made (`taken`), or refused for want of room or time. */
  count?: (outcome: 'taken' | 'refused') => void;
  /** Checks that run or wait. */
  most: number;
  /** Threads; each takes up to 128 MiB and one core. */
  threads?: number;
  /** How long a check may wait for a thread, and how long it may take. */
  waitMs?: number;
  runMs?: number;
};
type Job = { name: string; text: string; hashes: readonly string[]; done: (index: number | undefined) => void };

type Room = { name: string; most: number; over: OverLimit | undefined };

export type HashChecks = ReturnType<typeof makeHashChecks>;

const MAX_THREADS = 2;
const WAIT_MS = 5_000;
const RUN_MS = 15_000;
const RETRY_SECONDS = 1;
/** Compiled or not, as this file is. */
const WORKER = new URL(`./check-worker${extname(import.meta.url)}`, import.meta.url);

/** A hash was not checked: there is no room for it now. */
export class CheckRefused extends Error {
  readonly over: OverLimit;

  constructor(over: OverLimit = { seconds: RETRY_SECONDS, enforcement: 'local', busy: true }) {
    super('A hash with a salt was not checked: too many wait.');
    this.over = over;
  }
}

/**
 * Checks hashes with a salt in threads of their own, so that the main one goes on. Names take turns: none crowds out others
 * by asking often. What waits, the wait and the time of a check are bounded.
 */
export function makeHashChecks({ log, most, count = () => undefined, ...options }: Options) {
  const { threads = threadsOf(), waitMs = WAIT_MS, runMs = RUN_MS } = options;
  const runNext = makeThreads(log, runMs);
  const waiting = new Map<string, Job[]>();
  let running = 0;

  function refuse(over?: OverLimit): never {
    count('refused');
    throw new CheckRefused(over);
  }

  function start(): void {
    while (running < threads && waiting.size > 0) {
      running++;
      void runNext(takeNext(waiting)).finally(() => {
        running--;
        start();
      });
    }
  }

  function run(job: Omit<Job, 'done'>): Promise<number | undefined> {
    return new Promise((resolve) => {
      const entry: Job = { ...job, done: resolve };
      const tooLate = setTimeout(() => {
        if (leave(waiting, entry)) resolve(undefined);
      }, waitMs).unref();
      entry.done = (index) => {
        clearTimeout(tooLate);
        resolve(index);
      };
      waiting.set(job.name, [...(waiting.get(job.name) ?? []), entry]);
      start();
    });
  }

  return {
    within: makeRooms(most, refuse),

    /** @returns the position of the hash that is the text's, or -1. @throws CheckRefused */
    async find(job: Omit<Job, 'done'>): Promise<number> {
      const index = await run(job);
      if (index === undefined) return refuse();
      count('taken');
      return index;
    },
  };
}

/** Runs jobs, each in a thread that has no other one. */
function makeThreads(log: Options['log'], runMs: number) {
  const idle: Worker[] = [];

  return async function runNext(job: Job): Promise<void> {
    const worker = idle.pop() ?? startWorker();
    try {
      job.done(await ask(worker, job, runMs));
      idle.push(worker);
    } catch (error) {
      log.warn({ err: error }, 'failed to check a hash with a salt; its thread is replaced');
      job.done(undefined);
      await worker.terminate();
    }
  };
}

function makeRooms(mostOfAll: number, refuse: (over?: OverLimit) => never) {
  const held = new Map<string, number>();
  let total = 0;

  /** Does `work` within the room of a name, which may have so many at once; none for one over its limit. @throws CheckRefused */
  return async function within<T>({ name, most, over }: Room, work: () => Promise<T>): Promise<T> {
    const own = held.get(name) ?? 0;
    if (over || total >= mostOfAll || own >= most) return refuse(over);
    total++;
    held.set(name, own + 1);
    try {
      return await work();
    } finally {
      total--;
      const left = held.get(name)! - 1;
      if (left === 0) held.delete(name);
      else held.set(name, left);
    }
  };
}

function threadsOf(): number {
  return Math.min(MAX_THREADS, Math.max(1, availableParallelism() - 1));
}

/** The thread has no variables of the process, and none of its options. */
function startWorker(): Worker {
  const worker = new Worker(WORKER, { env: {}, execArgv: [] });
  worker.unref();
  // Without a listener the failure of an idle thread would end the process.
  worker.on('error', () => undefined);
  return worker;
}

const failed = (message: string) => (): never => {
  throw new Error(message);
};

async function ask(worker: Worker, { text, hashes }: Job, runMs: number): Promise<number> {
  const ending = new AbortController();
  const { signal } = ending;
  try {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    worker.postMessage({ text, hashes } satisfies Asked);
    return await Promise.race([
      once(worker, 'message', { signal }).then(([index]: number[]) => index!),
      once(worker, 'exit', { signal }).then(failed('the thread has ended')),
      sleep(runMs, undefined, { signal, ref: false }).then(failed('the check took too long')),
    ]);
  } finally {
    ending.abort();
  }
}

/** Takes the first job of the first name, and moves the name to the end. */
function takeNext(waiting: Map<string, Job[]>): Job {
  const [name, [job, ...rest]] = waiting.entries().next().value as [string, [Job, ...Job[]]];
  waiting.delete(name);
  if (rest.length > 0) waiting.set(name, rest);
  return job;
}

/** @returns whether the job still waited */
function leave(waiting: Map<string, Job[]>, job: Job): boolean {
  const own = waiting.get(job.name);
  if (!own?.includes(job)) return false;
  const rest = own.filter((each) => each !== job);
  if (rest.length > 0) waiting.set(job.name, rest);
  else waiting.delete(job.name);
  return true;
}
