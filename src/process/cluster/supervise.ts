import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { on, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { StartError } from '../../errors.ts';
import { answerScrapes } from './answer-scrapes.ts';
import type { Message } from './messages.ts';
import { PLACE } from './serving-process.ts';

type Deps = { processes: number; log: Pick<Logger, 'info' | 'error'> };

/** Before a process that ended is replaced; doubled up to the longest while replacements do not come to serve. */
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Starts processes that serve on one port, and replaces each that ends.
 * @returns what stops them, and waits for their end
 * @throws StartError if the first does not come to serve; it has said why
 */
export async function supervise({ processes, log }: Deps): Promise<{ stop: () => Promise<void> }> {
  const serving = new Set<Worker>();
  const ending = new AbortController();
  answerScrapes(() => [...serving]);

  /** @returns whether it came to serve */
  async function start(place: number): Promise<boolean> {
    const worker = cluster.fork({ [PLACE]: String(place) });
    const ended = once(worker, 'exit') as Promise<[number | null, string | null]>;
    const serves = await Promise.race([untilServing(worker).then(() => true), ended.then(() => false)]);
    if (serves) serving.add(worker);
    if (serves) void ended.then(([code, signal]) => replaceEnded(worker, place, { code, signal }));
    return serves;
  }

  async function replaceEnded(worker: Worker, place: number, how: object): Promise<void> {
    serving.delete(worker);
    if (ending.signal.aborted) return;
    log.error({ process: place, ...how }, 'process ended; starting another in its place');
    await replace(place);
  }

  async function replace(place: number): Promise<void> {
    for (let pause = PAUSE_MS; !ending.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      await sleep(pause, undefined, { signal: ending.signal }).catch(() => undefined);
      if (ending.signal.aborted || (await start(place))) return;
      log.error({ process: place, pause_ms: pause }, 'process did not come to serve; trying again');
    }
  }

  async function stop(): Promise<void> {
    ending.abort();
    await Promise.all(
      Object.values(cluster.workers ?? {}).map(async (worker) => {
        if (!worker) return;
        const ended = once(worker, 'exit');
        // A signal to the whole group may have reached the process already; a second one would end it at once.
        if (serving.has(worker)) worker.send({ about: 'stop' } satisfies Message, () => undefined);
        else worker.process.kill('SIGTERM');
        await ended;
      }),
    );
  }

  // One by one, so that a fault of the configuration is said once.
  for (let place = 0; place < processes; place++) {
    if (await start(place)) continue;
    await stop();
    throw new StartError('No process came to serve; the reason is above.');
  }
  log.info({ processes }, 'all processes serve');
  return { stop };
}

async function untilServing(worker: Worker): Promise<void> {
  for await (const [message] of on(worker, 'message')) if ((message as Message).about === 'serving') return;
}
