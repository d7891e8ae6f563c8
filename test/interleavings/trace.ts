import type { Step } from './checks.ts';
import type { Result } from './play.ts';
import { formatSchedule } from './schedule.ts';
import type { Schedule } from './schedule.ts';

const WIDTH = 116;

/** A failing interleaving for people: what was found, how to play it again, and what happened in which order. */
export function describeFailure(schedule: Schedule, { findings, steps }: Result): string {
  const names = schedule.operations.map((name, i) => `${i} ${name}`);
  const width = Math.max(...names.map((name) => name.length));
  return [
    `  npm run test:interleavings -- --replay '${formatSchedule(schedule)}'`,
    ...findings.map((finding) => `  - ${finding}`),
    ...runs(steps).flatMap((run) => wrap(names[run[0]!.task]!.padEnd(width), run)),
  ].join('\n');
}

/** What each operation does until another goes on. */
function runs(steps: readonly Step[]): Step[][] {
  const found: Step[][] = [];
  for (const step of steps) {
    const last = found.at(-1);
    if (last?.[0]?.task === step.task) last.push(step);
    else found.push([step]);
  }
  return found;
}

function wrap(name: string, run: readonly Step[]): string[] {
  const lines: string[] = [];
  let line = `  ${name} |`;
  for (const { label, note } of run) {
    const word = ` ${label}${note === undefined ? '' : ` (${note})`} ›`;
    if (line.length + word.length > WIDTH) {
      lines.push(line);
      line = `  ${' '.repeat(name.length)} |`;
    }
    line += word;
  }
  return [...lines, line.slice(0, -2)];
}
