import type { Clock } from '../../src/clock.ts';

export type TestClock = Clock & { advance(milliseconds: number): void };

/** The real time, plus what a test has added to it. */
export function makeTestClock(): TestClock {
  let offset = 0;
  const clock = () => new Date(Date.now() + offset);
  return Object.assign(clock, {
    advance(milliseconds: number) {
      offset += milliseconds;
    },
  });
}
