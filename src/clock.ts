/** Returns the current time. Passed in, so that tests can move it. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

type Sources = {
  /** The host's wall clock, in milliseconds since 1970. */
  wallMs?: () => number;
  /** The monotonic clock, in milliseconds; never steps. */
  monotonicMs?: () => number;
  /** Called once for each step back of the wall clock. */
  onStepBack?: (milliseconds: number) => void;
};

export type SteadyClock = Clock & {
  /** How far it is ahead of the wall clock, in milliseconds. */
  aheadMs: () => number;
};

/** Smaller differences are no step: readings are rounded, and time servers slow clocks down. */
const STEP_MS = 1_000;
/** The wall clock has whole milliseconds. */
const ROUNDED_MS = 2;
/** A step forward that is undone within this time does not count. */
const SETTLED_MS = 10 * 60_000;
/** The clock's rate while the wall clock is behind, which catches up by the difference. */
const RATE_BEHIND = 0.9;

/**
 * Makes a clock that is never behind the wall clock and never goes back, so that an expired credential stays expired. After
 * a step back of the wall clock it goes on by the monotonic clock, a tenth slower, until the wall clock has caught up. A
 * step forward counts at once, and can be undone for ten minutes. Steps before the process started are unknown.
 */
export function makeSteadyClock(sources: Sources = {}): SteadyClock {
  const { wallMs = Date.now, monotonicMs = () => performance.now(), onStepBack = () => undefined } = sources;
  let readAtMs = monotonicMs();
  let floorMs = wallMs();
  let jumpedAtMs: number | undefined;
  let isBehind = false;
  let wasBehind = false;

  /** Moves the floor below which no reading falls. */
  function advance(nowMs: number, wall: number): void {
    const passedMs = nowMs - readAtMs;
    readAtMs = nowMs;
    const expectedMs = floorMs + passedMs;
    if (wall > expectedMs + STEP_MS) {
      jumpedAtMs ??= nowMs;
      floorMs = nowMs - jumpedAtMs < SETTLED_MS ? expectedMs : wall;
    } else floorMs = Math.max(wall, wasBehind && wall < expectedMs ? floorMs + passedMs * RATE_BEHIND : expectedMs);
    // The time before the step was noticed counts in full, however long ago the last reading was.
    wasBehind = wall < floorMs - ROUNDED_MS;
    if (wall <= floorMs + STEP_MS) jumpedAtMs = undefined;
    noteStep(floorMs - wall);
  }

  function noteStep(behindMs: number): void {
    if (!isBehind && behindMs > STEP_MS) onStepBack(behindMs);
    isBehind = behindMs > (isBehind ? 0 : STEP_MS);
  }

  function read(): number {
    // In this order: a pause between the two looks like a step forward, which the next reading corrects.
    const nowMs = monotonicMs();
    const wall = wallMs();
    advance(nowMs, wall);
    return Math.max(wall, floorMs);
  }

  return Object.assign(() => new Date(read()), { aheadMs: () => Math.max(0, read() - wallMs()) });
}
