import type { Result } from './play.ts';
import { segmentsOf } from './schedule.ts';
import type { Schedule, Segment } from './schedule.ts';

const MOST_PLAYS = 120;

/** A failing interleaving with as few operations and interruptions as still fail. */
export async function shrink(
  play: (schedule: Schedule) => Promise<Result>,
  schedule: Schedule,
  failed: Result,
): Promise<{ schedule: Schedule; result: Result }> {
  let best = { schedule, result: failed };
  let plays = 0;
  const kinds = new Set(failed.findings.map(kindOf));
  async function tryInstead(candidate: Schedule): Promise<boolean> {
    if (plays++ >= MOST_PLAYS) return false;
    const result = await play(candidate);
    if (!result.findings.some((finding) => kinds.has(kindOf(finding)))) return false;
    best = { schedule: candidate, result };
    return true;
  }
  const exact = { ...schedule, segments: segmentsOf(failed.steps) };
  if (schedule.segments.length > exact.segments.length) await tryInstead(exact);
  for (let shrunk = true; shrunk && plays < MOST_PLAYS;) {
    shrunk = false;
    for (const candidate of smaller(best.schedule)) {
      if (!(await tryInstead(candidate))) continue;
      shrunk = true;
      break;
    }
  }
  return best;
}

/** A finding without what differs each time. */
export function kindOf(finding: string): string {
  return finding
    .replaceAll(/["'[{].*["'\]}]/gs, '…')
    .replaceAll(/\S*\d\S*/g, '…')
    .slice(0, 120);
}

function* smaller({ operations, segments }: Schedule): Generator<Schedule> {
  if (operations.length > 1)
    for (let gone = 0; gone < operations.length; gone++)
      yield { operations: operations.toSpliced(gone, 1), segments: segments.flatMap((one) => without(one, gone)) };
  for (let i = 0; i < segments.length; i++) yield { operations, segments: segments.toSpliced(i, 1) };
  for (const [i, one] of segments.entries()) {
    if (one.newest) yield { operations, segments: segments.with(i, { ...one, newest: false }) };
    if (one.steps > 2 && Number.isFinite(one.steps))
      yield { operations, segments: segments.with(i, { ...one, steps: Math.floor(one.steps / 2) }) };
  }
}

function without(segment: Segment, gone: number): Segment[] {
  if (segment.task === gone) return [];
  return [segment.task > gone ? { ...segment, task: segment.task - 1 } : segment];
}
