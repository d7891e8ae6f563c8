import { invalidFields } from '../http/validate.ts';

export const INTERVALS = ['hour', 'day'] as const;
export type Interval = (typeof INTERVALS)[number];

/** Whole buckets, in UTC: from the beginning of the first to the end of the last. */
export type UsageRange = { from: Date; to: Date; interval: Interval };

type Asked = { from?: string | undefined; to?: string | undefined; interval: Interval };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BOUNDS = {
  hour: { sizeMs: HOUR_MS, usualMs: DAY_MS, mostMs: 31 * DAY_MS, most: 'At most 31 days by hour.' },
  day: { sizeMs: DAY_MS, usualMs: 30 * DAY_MS, mostMs: 400 * DAY_MS, most: 'At most 400 days by day.' },
} as const;

/**
 * The buckets that hold what was asked for, none of them later than the one that it is now.
 * @throws AppError `validation_error`
 */
export function readRange(asked: Asked, now: Date): UsageRange {
  const { sizeMs, usualMs, mostMs, most } = BOUNDS[asked.interval];
  const nowMs = now.getTime();
  const askedToMs = asked.to === undefined ? Infinity : Date.parse(asked.to);
  const endMs = Math.min(ceil(askedToMs, sizeMs), floor(nowMs, sizeMs) + sizeMs);
  const fromMs = asked.from === undefined ? endMs - usualMs : Date.parse(asked.from);
  if (fromMs >= askedToMs) throw invalidFields({ from: 'This must be before `to`.' });
  if (fromMs > nowMs) throw invalidFields({ from: 'This must not be in the future.' });
  if (Math.min(askedToMs, nowMs) - fromMs > mostMs) throw invalidFields({ from: most });
  return { from: new Date(floor(fromMs, sizeMs)), to: new Date(endMs), interval: asked.interval };
}

/** The beginnings of the buckets, first to last, in milliseconds. */
export function bucketsOf({ from, to, interval }: UsageRange): number[] {
  const { sizeMs } = BOUNDS[interval];
  return Array.from({ length: (to.getTime() - from.getTime()) / sizeMs }, (_, i) => from.getTime() + i * sizeMs);
}

function floor(atMs: number, sizeMs: number): number {
  return Math.floor(atMs / sizeMs) * sizeMs;
}

function ceil(atMs: number, sizeMs: number): number {
  return Math.ceil(atMs / sizeMs) * sizeMs;
}
