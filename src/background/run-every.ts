import { setTimeout as sleep } from 'node:timers/promises';

type Options = {
  name: string;
  everyMs: number;
  signal: AbortSignal;
  onError: (name: string, error: unknown) => void;
  /** For how long the loop is to pause, when that is all that an error says. */
  pauseMs?: (error: unknown) => number | undefined;
};

/** Replicas that were started together drift apart by this much. */
export const JITTER = 0.2;

/** A loop whose steps fail in a row pauses longer, up to this or its own interval. */
const MAX_BACKOFF_MS = 5_000;

/** Runs `step` again and again until the signal; a step that fails is reported and does not end the loop. */
export async function runEvery(step: () => Promise<void>, options: Options): Promise<void> {
  const { name, everyMs, signal, onError, pauseMs = () => undefined } = options;
  let failures = 0;
  while (!signal.aborted) {
    let askedMs: number | undefined;
    try {
      await step();
      failures = 0;
    } catch (error) {
      askedMs = pauseMs(error);
      if (askedMs === undefined) failures++;
      if (askedMs === undefined && !signal.aborted) onError(name, error);
    }
    const failedMs = Math.min(everyMs * 2 ** Math.min(failures, 8), MAX_BACKOFF_MS);
    const backoffMs = Math.max(everyMs, failedMs, askedMs ?? 0);
    const pause = backoffMs * (1 - JITTER + 2 * JITTER * Math.random());
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
