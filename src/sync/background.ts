import type { Logger } from 'pino';
import { runEvery } from './run-every.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export type Loop = { name: string; everyMs: number; step: (signal: AbortSignal) => Promise<void> };

export type Background = {
  start(): void;
  /** Lets the steps that run finish. */
  stop(): Promise<void>;
  /** Runs one step of a loop now. */
  runOnce(name: string): Promise<void>;
};

type Deps = { loops: readonly Loop[]; failures: Metrics['failures']; log: Pick<Logger, 'warn'> };

/** The loops that run beside the requests: each on any number of replicas, each coming back after a failed step. */
export function makeBackground({ loops, failures, log }: Deps): Background {
  const stopping = new AbortController();
  let running: Promise<void>[] = [];

  function onError(name: string, error: unknown): void {
    failures.inc({ loop: name });
    log.warn({ err: error, loop: name }, 'a background step failed and will be tried again');
  }

  return {
    start() {
      running = loops.map(({ name, everyMs, step }) =>
        runEvery(step, { name, everyMs, signal: stopping.signal, onError }),
      );
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
    async runOnce(name) {
      const loop = loops.find((candidate) => candidate.name === name);
      if (!loop) throw new Error(`there is no loop '${name}'`);
      await loop.step(stopping.signal);
    },
  };
}
