import type { Logger } from 'pino';
import type { Loop } from './loop.ts';
import { runEvery } from './run-every.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { heldOffMs } from '../workos/failure.ts';

export type Background = {
  loops: readonly Loop[];
  /** Returns the seconds since a loop last completed a step here, by the monotonic clock; else since the start. */
  sinceStepSeconds(name: string): number;
  start(): void;
  /** Waits for running steps to finish. */
  stop(): Promise<void>;
  /** Runs one step of a loop now. */
  runOnce(name: string): Promise<void>;
};

type Deps = {
  loops: readonly Loop[];
  /** Whether the database has shown recently that it is the primary, and the mirror is not behind WorkOS. */
  isProven: () => boolean;
  /** Whether the database has shown recently that it is the primary. */
  isPrimary: () => boolean;
  failures: Metrics['failures'];
  log: Pick<Logger, 'warn'>;
};

/**
 * Runs the loops of a replica; a failed step never ends a loop. Loops pause while the database shows no beat, since every
 * commit that waits for a dead standby would hold a connection. While the mirror is behind WorkOS, only those run that catch up.
 */
export function makeBackground({ loops, isProven, isPrimary, failures, log }: Deps): Background {
  const stopping = new AbortController();
  let running: Promise<void>[] = [];
  const completedMs = new Map(loops.map(({ name }): [string, number] => [name, performance.now()]));

  async function run({ name, step }: Loop): Promise<void> {
    await step(stopping.signal);
    completedMs.set(name, performance.now());
  }

  async function runIfProven(loop: Loop): Promise<void> {
    if (isProven() || (loop.catchesUp && isPrimary())) await run(loop);
  }

  function onError(name: string, error: unknown): void {
    failures.inc({ loop: name });
    log.warn({ err: error, loop: name }, 'background loop failed; retrying');
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
          // A pause that WorkOS asks for is no failure of the loop.
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
