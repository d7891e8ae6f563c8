import { setTimeout as sleep } from 'node:timers/promises';

export type RateLimiter = ReturnType<typeof makeRateLimiter>;

/**
 * Spaces calls evenly, at most `perSecond`.
 * @param replicas how many replicas share the rate in equal parts
 */
export function makeRateLimiter(perSecond: number, replicas: () => number = () => 1) {
  let nextAt = -Infinity;
  return {
    /** Returns how many callers may wait at a time so that each has its turn within a second; `most` at most. */
    batchSize: (most: number) => Math.max(1, Math.min(most, Math.floor(perSecond / replicas()))),

    /** Waits until the next call may go. */
    async turn(): Promise<void> {
      const at = Math.max(performance.now(), nextAt);
      nextAt = at + (1_000 * replicas()) / perSecond;
      const wait = at - performance.now();
      // Timers have whole milliseconds.
      if (wait >= 1) await sleep(wait);
    },
  };
}
