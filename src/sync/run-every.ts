import { setTimeout as sleep } from 'node:timers/promises';

type Options = {
  name: string;
  everyMs: number;
  signal: AbortSignal;
  onError: (name: string, error: unknown) => void;
};

/** Replicas that were started together drift apart by this much. */
export const JITTER = 0.2;

/** Runs `step` again and again until the signal; a step that fails is reported and does not end the loop. */
export async function runEvery(
  step: (signal: AbortSignal) => Promise<void>,
  { name, everyMs, signal, onError }: Options,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await step(signal);
    } catch (error) {
      if (!signal.aborted) onError(name, error);
    }
    const pause = everyMs * (1 - JITTER + 2 * JITTER * Math.random());
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
