import type { Random } from '../crash/random.ts';
import { OPERATION_NAMES } from './operations.ts';
import type { OperationName } from './operations.ts';
import type { Result } from './play.ts';
import { TO_THE_END } from './schedule.ts';
import type { Schedule, Segment } from './schedule.ts';

/** Plays a schedule. @returns undefined when there is no time for more */
export type Player = (schedule: Schedule) => Promise<Result | undefined>;

const MOST_SEGMENTS = 12;
const MOST_STEPS = 14;

/** Every two operations, an operation with itself, too. */
export function allPairs(names: readonly OperationName[] = OPERATION_NAMES): [OperationName, OperationName][] {
  return names.flatMap((a, i) => names.slice(i).map((b): [OperationName, OperationName] => [a, b]));
}

/** How many boundaries an operation has that nothing interrupts, and whether it does several things at once. */
type Shape = { length: number; branched: boolean };
export type Bounds = {
  stride: number;
  offset: number;
  /** 1: one of them is interrupted, 2: each of them is. */
  interruptions: 1 | 2;
  /** What is known of operations; with a stride they are not played one after the other only to know. */
  shapes: Map<OperationName, Shape>;
};

/**
 * Every interleaving of two operations in which one of them is interrupted once, by all of the other, or with two
 * interruptions the other once by the first, too; of an operation that does several things at once, in both orders. With
 * a stride only at every so many boundaries, from an offset on.
 */
export async function explorePair(
  play: Player,
  operations: readonly [OperationName, OperationName],
  bounds: Bounds,
): Promise<boolean> {
  for (const first of operations[0] === operations[1] ? [0] : [0, 1]) {
    const shapes = bounds.stride > 1 ? known(operations, bounds.shapes) : undefined;
    const found = shapes ?? (await playWhole(play, operations, first, bounds.shapes));
    if (!found) return false;
    for (const segments of interruptionsOf(found, first, bounds))
      if (!(await play({ operations, segments }))) return false;
  }
  return true;
}

function known(operations: readonly OperationName[], shapes: Bounds['shapes']): Shape[] | undefined {
  const found = operations.flatMap((name) => shapes.get(name) ?? []);
  return found.length === operations.length ? found : undefined;
}

/** One after the other. */
async function playWhole(
  play: Player,
  operations: readonly OperationName[],
  first: number,
  shapes: Bounds['shapes'],
): Promise<Shape[] | undefined> {
  const whole = await play({ operations, segments: [{ task: first, steps: TO_THE_END }] });
  const found = whole?.lengths.map((length, i) => ({ length, branched: whole.branched[i]! }));
  if (found) shapes.set(operations[first]!, found[first]!);
  return found;
}

function* interruptionsOf(
  shapes: readonly Shape[],
  first: number,
  { stride, offset, interruptions }: Bounds,
): Generator<Segment[]> {
  const other = 1 - first;
  for (const newest of shapes[first]!.branched ? [false, true] : [false])
    for (let steps = 1 + (offset % stride); steps < shapes[first]!.length; steps += stride) {
      const begun = { task: first, steps, newest };
      if (interruptions === 1) yield [begun, { task: other, steps: TO_THE_END }];
      else
        for (let inner = 1 + ((offset + steps) % stride); inner < shapes[other]!.length; inner += stride)
          yield [begun, { task: other, steps: inner }, { task: first, steps: TO_THE_END }];
    }
}

/** Some operations and an order of them, all by chance. */
export function randomSchedule(random: Random, count: number, names: readonly OperationName[]): Schedule {
  const operations = Array.from({ length: count }, () => names[random.below(names.length)]!);
  // Few interruptions find most; many find the rest.
  const length = random.chance(0.7) ? 1 + random.below(4) : 5 + random.below(MOST_SEGMENTS);
  const segments = Array.from({ length }, (): Segment => {
    const steps = random.chance(0.3) ? TO_THE_END : 1 + random.below(random.chance(0.3) ? 2 * MOST_STEPS : MOST_STEPS);
    return { task: random.below(count), steps, newest: random.chance(0.25) };
  });
  return { operations, segments };
}
