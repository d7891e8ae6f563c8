import { z } from 'zod';

const LIFETIME = /^(?:([1-9]\d{0,3})([dwmy])|never)$/;
const DAYS = { d: 1, w: 7, m: 30, y: 365 } as const;
const MAX_DAYS = 3_650;

/** A lifetime in days, weeks, months of 30 days or years of 365 days, or 'never'. */
export const lifetime = z
  .string()
  .regex(LIFETIME, "must be a number with d, w, m or y, such as '90d', or 'never'")
  .refine((value) => (daysOf(value) ?? 0) <= MAX_DAYS, `must be at most ${MAX_DAYS} days`);

/** @returns undefined for `never` */
export function daysOf(value: string): number | undefined {
  const [, count, unit] = LIFETIME.exec(value) ?? [];
  return count === undefined ? undefined : Number(count) * DAYS[unit as keyof typeof DAYS];
}
