import { setTimeout as sleep } from 'node:timers/promises';

export type Pace = ReturnType<typeof makePace>;

/**
 * Lets at most so many a second go on, evenly apart.
 * @param replicas how many processes share them, each with an equal part
 */
export function makePace(perSecond: number, replicas: () => number = () => 1) {
  let nextAt = -Infinity;
  return {
    /** How many may wait for their turn at a time and all have it within a second. */
    atATime: (most: number) => Math.max(1, Math.min(most, Math.floor(perSecond / replicas()))),

    async turn(): Promise<void> {
      const at = Math.max(performance.now(), nextAt);
      nextAt = at + (1_000 * replicas()) / perSecond;
      const wait = at - performance.now();
      // A timer is no finer than this.
      if (wait >= 1) await sleep(wait);
    },
  };
}
