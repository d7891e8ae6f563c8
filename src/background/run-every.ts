import { setTimeout as sleep } from 'node:timers/promises';

type Options = {
  name: string;
  everyMs: number;
  signal: AbortSignal;
  onError: (name: string, error: unknown) => void;
  /** Returns the pause that an error asks for, if it is no failure. */
  pauseMs?: (error: unknown) => number | undefined;
};

/** Spreads the loops of replicas that start together. */
export const JITTER = 0.2;

/** The longest backoff after failures in a row, unless the loop's interval is longer. */
const MAX_BACKOFF_MS = 5_000;

/** Repeats `step` until the signal. A failed step is reported and does not end the loop. */
export async function runEvery(step: () => Promise<void>, options: Options): Promise<void> {
  const { name, everyMs, signal, onError, pauseMs = () => undefined } = options;
  let failures = 0;
  while (!signal.aborted) {
    let heldMs: number | undefined;
    try {
      await step();
      failures = 0;
    } catch (error) {
      heldMs = pauseMs(error);
      if (heldMs === undefined) failures++;
      if (heldMs === undefined && !signal.aborted) onError(name, error);
    }
    const failedMs = Math.min(everyMs * 2 ** Math.min(failures, 8), MAX_BACKOFF_MS);
    const backoffMs = Math.max(everyMs, failedMs, heldMs ?? 0);
    const pause = backoffMs * (1 - JITTER + 2 * JITTER * Math.random());
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
