import { OPERATION_NAMES } from './operations.ts';
import type { OperationName } from './operations.ts';

/**
 * Lets one operation pass so many boundaries, or until it ends or waits. Of an operation that does several things at
 * once the one goes on that has waited longest, or with `newest` the one that came to its boundary last.
 */
export type Segment = { task: number; steps: number; newest?: boolean };

/** Which operations there are, and which goes on when. After the last segment each goes on to its end, in order. */
export type Schedule = { operations: readonly OperationName[]; segments: readonly Segment[] };

export const TO_THE_END = Number.POSITIVE_INFINITY;

/** As it is printed, and given to `--replay`: `rotate,patch:0*7 1 0`; `0^*7` for the newest. */
export function formatSchedule({ operations, segments }: Schedule): string {
  const parts = segments.map(
    ({ task, steps, newest }) => `${task}${newest ? '^' : ''}${steps === TO_THE_END ? '' : `*${steps}`}`,
  );
  return `${operations.join(',')}:${parts.join(' ')}`;
}

/** @throws Error for what is no schedule */
export function parseSchedule(text: string): Schedule {
  const [names = '', rest = ''] = text.split(':');
  const operations = names.split(',').map((name) => {
    const known = OPERATION_NAMES.find((one) => one === name);
    if (!known) throw new Error(`there is no operation '${name}'; there are ${OPERATION_NAMES.join(', ')}`);
    return known;
  });
  const segments = rest
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => {
      const [, task, newest, steps] = /^(\d+)(\^?)(?:\*(\d+))?$/.exec(part) ?? [];
      if (task === undefined || Number(task) >= operations.length)
        throw new Error(`'${part}' is no part of a schedule`);
      return { task: Number(task), steps: steps === undefined ? TO_THE_END : Number(steps), newest: newest === '^' };
    });
  return { operations, segments };
}

export type Choice = { task: number; newest: boolean };

/** Follows a schedule: @returns which of the operations that can go on is next */
export function makeChooser({ segments }: Pick<Schedule, 'segments'>) {
  let at = 0;
  let taken = 0;
  return (ready: readonly number[]): Choice => {
    for (; at < segments.length; at++, taken = 0) {
      const { task, steps, newest = false } = segments[at]!;
      if (taken < steps && ready.includes(task)) {
        taken += 1;
        return { task, newest };
      }
    }
    return { task: ready[0]!, newest: false };
  };
}

/** The same choices in as few segments as say them. */
export function segmentsOf(choices: readonly Choice[]): Segment[] {
  const segments: Required<Segment>[] = [];
  for (const { task, newest } of choices) {
    const last = segments.at(-1);
    if (last?.task === task && last.newest === newest) last.steps += 1;
    else segments.push({ task, newest, steps: 1 });
  }
  return segments;
}
