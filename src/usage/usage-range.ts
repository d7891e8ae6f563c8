import { invalidFields } from '../http/validate.ts';

export const INTERVALS = ['hour', 'day'] as const;
export type Interval = (typeof INTERVALS)[number];

/** A range of whole buckets in UTC, from the beginning of the first to the end of the last. */
export type UsageRange = { from: Date; to: Date; interval: Interval };

type RangeQuery = { from?: string | undefined; to?: string | undefined; interval: Interval };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BOUNDS = {
  hour: { sizeMs: HOUR_MS, usualMs: DAY_MS, mostMs: 31 * DAY_MS, most: 'At most 31 days by hour.' },
  day: { sizeMs: DAY_MS, usualMs: 30 * DAY_MS, mostMs: 400 * DAY_MS, most: 'At most 400 days by day.' },
} as const;

/**
 * Widens a queried range to whole buckets, and ends it with the current one.
 * @throws AppError `validation_error`
 */
export function readRange(query: RangeQuery, now: Date): UsageRange {
  const { sizeMs, usualMs, mostMs, most } = BOUNDS[query.interval];
  const nowMs = now.getTime();
  const toMs = query.to === undefined ? Infinity : Date.parse(query.to);
  const endMs = Math.min(ceil(toMs, sizeMs), floor(nowMs, sizeMs) + sizeMs);
  const fromMs = query.from === undefined ? endMs - usualMs : Date.parse(query.from);
  if (fromMs >= toMs) throw invalidFields({ from: 'This must be before `to`.' });
  if (fromMs > nowMs) throw invalidFields({ from: 'This must not be in the future.' });
  if (Math.min(toMs, nowMs) - fromMs > mostMs) throw invalidFields({ from: most });
  return { from: new Date(floor(fromMs, sizeMs)), to: new Date(endMs), interval: query.interval };
}

/** Returns the beginnings of the buckets in milliseconds, first to last. */
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
