import type { Logger } from 'pino';
import type { Loop } from './loop.ts';
import { runEvery } from './run-every.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { heldOffMs } from '../workos/failure.ts';

export type Background = {
  loops: readonly Loop[];
  /** How long ago a loop last completed a step in this process, by the monotonic clock; since the start, if it never did. */
  sinceStepSeconds(name: string): number;
  start(): void;
  /** Lets the steps that run finish. */
  stop(): Promise<void>;
  /** Runs one step of a loop now. */
  runOnce(name: string): Promise<void>;
};

type Deps = {
  loops: readonly Loop[];
  /** Whether the database has shown lately that it is the primary. */
  isProven: () => boolean;
  failures: Metrics['failures'];
  log: Pick<Logger, 'warn'>;
};

/**
 * The loops that run beside the requests: each on any number of replicas, each coming back after a failed step. They pause
 * while the database shows no beat: a commit that waits for a dead standby would hold a connection each time.
 */
export function makeBackground({ loops, isProven, failures, log }: Deps): Background {
  const stopping = new AbortController();
  let running: Promise<void>[] = [];
  const completedMs = new Map(loops.map(({ name }): [string, number] => [name, performance.now()]));

  async function run({ name, step }: Loop): Promise<void> {
    await step(stopping.signal);
    completedMs.set(name, performance.now());
  }

  async function runIfProven(loop: Loop): Promise<void> {
    if (isProven()) await run(loop);
  }

  function onError(name: string, error: unknown): void {
    failures.inc({ loop: name });
    log.warn({ err: error, loop: name }, 'a background step failed and will be tried again');
  }

  return {
    loops,
    sinceStepSeconds: (name) => (performance.now() - (completedMs.get(name) ?? 0)) / 1_000,
    start() {
      const { signal } = stopping;
      running = loops.map((loop) =>
        runEvery(() => runIfProven(loop), {
          name: loop.name,
          everyMs: loop.everyMs,
          signal,
          onError,
          // That WorkOS wants fewer requests is no failure of a loop.
          pauseMs: heldOffMs,
        }),
      );
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
    async runOnce(name) {
      const loop = loops.find((candidate) => candidate.name === name);
      if (!loop) throw new Error(`there is no loop '${name}'`);
      await run(loop);
    },
  };
}
