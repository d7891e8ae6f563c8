/** What time it is. Handed in, so that tests can move it. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

type Sources = {
  /** Milliseconds since 1970, as the host says. */
  wallMs?: () => number;
  /** Milliseconds that have passed since some moment; never steps. */
  monotonicMs?: () => number;
  /** Called once each time that the wall clock steps back, with how far. */
  onStepBack?: (milliseconds: number) => void;
};

export type SteadyClock = Clock & {
  /** How far it is ahead of the wall clock, in milliseconds. */
  aheadMs: () => number;
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
 * Makes a clock that is never behind the wall clock and does not go back with it: what has expired stays so. After a step
 * back it goes on with the time that passes, a tenth slower, until the wall clock has caught up. A step forward counts at
 * once, and can be taken back for ten minutes. Knows nothing of the time before its process began.
 */
export function makeSteadyClock(sources: Sources = {}): SteadyClock {
  const { wallMs = Date.now, monotonicMs = () => performance.now(), onStepBack = () => undefined } = sources;
  let readAtMs = monotonicMs();
  let floorMs = wallMs();
  let jumpedAtMs: number | undefined;
  let isBehind = false;
  let wasBehind = false;

  /** Moves the moment below which no reading may be. */
  function advance(nowMs: number, wall: number): void {
    const passedMs = nowMs - readAtMs;
    readAtMs = nowMs;
    const expectedMs = floorMs + passedMs;
    if (wall > expectedMs + STEP_MS) {
      jumpedAtMs ??= nowMs;
      floorMs = nowMs - jumpedAtMs < SETTLED_MS ? expectedMs : wall;
    } else floorMs = Math.max(wall, wasBehind && wall < expectedMs ? floorMs + passedMs * RATE_BEHIND : expectedMs);
    // What passed before the step was noticed counts whole, however long nobody read.
    wasBehind = wall < floorMs - ROUNDED_MS;
    if (wall <= floorMs + STEP_MS) jumpedAtMs = undefined;
    noteStep(floorMs - wall);
  }

  function noteStep(behindMs: number): void {
    if (!isBehind && behindMs > STEP_MS) onStepBack(behindMs);
    isBehind = behindMs > (isBehind ? 0 : STEP_MS);
  }

  function read(): number {
    // In this order: a pause between the two looks like a step forward, which is forgotten by the next reading.
    const nowMs = monotonicMs();
    const wall = wallMs();
    advance(nowMs, wall);
    return Math.max(wall, floorMs);
  }

  return Object.assign(() => new Date(read()), { aheadMs: () => Math.max(0, read() - wallMs()) });
}
