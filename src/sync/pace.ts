import { setTimeout as sleep } from 'node:timers/promises';

export type Pace = ReturnType<typeof makePace>;

/** Whoever asks for more is asked again sooner than it says. */
const MAX_HOLD_MS = 5 * 60_000;

/** Lets at most so many a second go on, evenly apart, and none while whoever is asked wants to be left alone. */
export function makePace(perSecond: number, now: () => number = () => performance.now()) {
  const everyMs = 1_000 / perSecond;
  let nextAt = -Infinity;
  let heldUntil = -Infinity;
  return {
    /** How many may wait for their turn at a time and all have it within a second. */
    atATime: (most: number) => Math.max(1, Math.min(most, Math.floor(perSecond))),

    async turn(): Promise<void> {
      const at = Math.max(now(), nextAt);
      nextAt = at + everyMs;
      const wait = at - now();
      // A timer is no finer than this.
      if (wait >= 1) await sleep(wait);
    },

    holdOff(milliseconds: number): void {
      heldUntil = Math.max(heldUntil, now() + Math.min(milliseconds, MAX_HOLD_MS));
    },

    /** How long nobody may go on, in milliseconds; 0 when they may. */
    heldMs: (): number => Math.max(0, heldUntil - now()),
  };
}
