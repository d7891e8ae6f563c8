import type { FaultPoint } from '../../src/process/fault-point.ts';

export type Stuck = {
  at: FaultPoint;
  /** From now on whoever comes to this point stays there: to everybody else it has died. */
  stopAt(name: string): void;
  /** Nobody stops any more; with `goOn`, those that did go on. */
  release(goOn?: 'goOn'): void;
  /** How many stand still. */
  standing(): number;
};

/** Requests that stand still between two steps, as a process does that died there or is very slow. */
export function makeStuck(): Stuck {
  let point: string | undefined;
  let waiting: (() => void)[] = [];
  return {
    at: (name) => {
      if (name !== point) return undefined;
      return new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    },
    stopAt: (name) => {
      point = name;
    },
    release(goOn) {
      point = undefined;
      if (goOn) for (const resume of waiting) resume();
      waiting = [];
    },
    standing: () => waiting.length,
  };
}
