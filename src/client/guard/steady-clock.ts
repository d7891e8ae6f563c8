/** Milliseconds since 1970. */
export type Now = () => number;

type Sources = {
  /** Milliseconds since 1970, as the host says. */
  wallMs?: () => number;
  /** Milliseconds since some moment; never steps. */
  monotonicMs?: () => number;
};

/** A smaller difference is no step: readings are rounded, and time servers slew clocks. */
const STEP_MS = 1_000;
/** The wall clock is read in whole milliseconds. */
const ROUNDED_MS = 2;
/** A step forward that is taken back within this time was a mistake. */
const SETTLED_MS = 10 * 60_000;
/** While the wall clock is behind, this clock runs at this rate until it has caught up. */
const RATE_BEHIND = 0.9;

/**
 * Makes a clock that is never behind the wall clock and never goes back with it, so that an expired key stays expired.
 * A copy of the service's clock, since the published client imports nothing of the service; a test compares the two.
 */
export function makeSteadyClock({
  wallMs = () => Date.now(),
  monotonicMs = () => performance.now(),
}: Sources = {}): Now {
  let readAtMs = monotonicMs();
  let floorMs = wallMs();
  let jumpedAtMs: number | undefined;
  let wasBehind = false;

  return () => {
    // In this order: a pause between the two looks like a step forward, which the next reading corrects.
    const nowMs = monotonicMs();
    const wall = wallMs();
    const passedMs = nowMs - readAtMs;
    const expectedMs = floorMs + passedMs;
    readAtMs = nowMs;
    if (wall > expectedMs + STEP_MS) {
      jumpedAtMs ??= nowMs;
      floorMs = nowMs - jumpedAtMs < SETTLED_MS ? expectedMs : wall;
    } else floorMs = Math.max(wall, wasBehind && wall < expectedMs ? floorMs + passedMs * RATE_BEHIND : expectedMs);
    // Time before the step was noticed counts in full, however long ago the last reading was.
    wasBehind = wall < floorMs - ROUNDED_MS;
    if (wall <= floorMs + STEP_MS) jumpedAtMs = undefined;
    return Math.max(wall, floorMs);
  };
}
