/** Milliseconds since 1970. */
export type Now = () => number;

type Sources = {
  /** Milliseconds since 1970, as the host says. */
  wallMs?: () => number;
  /** Milliseconds that have passed since some moment; never steps. */
  monotonicMs?: () => number;
};

/** Less is no step: readings are rounded, and time servers correct clocks by slowing them down. */
const STEP_MS = 1_000;
/** The wall clock is read in whole milliseconds. */
const ROUNDED_MS = 2;
/** A step forward that is taken back within this was a mistake. */
const SETTLED_MS = 10 * 60_000;
/** While the wall clock is behind: it catches up with a tenth of the time that passes. */
const RATE_BEHIND = 0.9;

/**
 * Makes a clock that is never behind the wall clock and does not go back with it: what has expired stays so. It reads as
 * the service's own clock does, of which the published client brings nothing along; a test holds the two together.
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
    // In this order: a pause between the two looks like a step forward, which the next reading forgets.
    const nowMs = monotonicMs();
    const wall = wallMs();
    const passedMs = nowMs - readAtMs;
    const expectedMs = floorMs + passedMs;
    readAtMs = nowMs;
    if (wall > expectedMs + STEP_MS) {
      jumpedAtMs ??= nowMs;
      floorMs = nowMs - jumpedAtMs < SETTLED_MS ? expectedMs : wall;
    } else floorMs = Math.max(wall, wasBehind && wall < expectedMs ? floorMs + passedMs * RATE_BEHIND : expectedMs);
    // What passed before the step was noticed counts whole, however long nobody read.
    wasBehind = wall < floorMs - ROUNDED_MS;
    if (wall <= floorMs + STEP_MS) jumpedAtMs = undefined;
    return Math.max(wall, floorMs);
  };
}
