import type { Clock } from '../../src/clock.ts';

export type TestClock = Clock & { advance(milliseconds: number): void };

/** Creates a clock of the real time plus what a test adds. */
export function makeTestClock(): TestClock {
  let offset = 0;
  const clock = () => new Date(Date.now() + offset);
  return Object.assign(clock, {
    advance(milliseconds: number) {
      offset += milliseconds;
    },
  });
}
