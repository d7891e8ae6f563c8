import type { FaultPoint } from '../../src/process/fault-point.ts';

export type Stuck = {
  at: FaultPoint;
  /** From now on every request stops at this point, as if its process had died there. */
  stopAt(name: string): void;
  /** Stops no more requests; with `goOn`, the stopped ones continue. */
  release(goOn?: 'goOn'): void;
  /** The number of stopped requests. */
  standing(): number;
};

/** A fault point that stops requests between two steps, like a process that died there or is very slow. */
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
