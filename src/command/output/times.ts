import type { Context } from '../context.ts';

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** How long ago a time is, or in how long, to a person; the time itself to programs. */
export function timeText(context: Context, time: string | null): string {
  if (time === null) return '-';
  if (!context.isTerminal) return time;
  const seconds = (Date.parse(time) - context.now().getTime()) / 1_000;
  const [unit, length] = UNITS.find(([, least]) => Math.abs(seconds) >= least) ?? ['second', 1];
  return relative.format(Math.round(seconds / length), unit);
}
