import type { Clock } from '../clock.ts';
import { invalidFields } from '../http/validate.ts';
import { time } from '../http/time.ts';
import { daysOf, lifetime } from '../product/duration.ts';
import { statusOf } from './key.ts';
import type { Key } from './key.ts';
import { expiryMs } from './mirror/mirror-expiry.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Whoever asks for exactly the longest time has a clock of their own. */
const CLOCK_SKEW_MS = 5 * 60 * 1_000;

/** How long keys may live; undefined where nothing bounds it, or nothing is said. */
export type ExpiryRules = { maxExpiryDays: number | undefined; defaultExpiryDays: number | undefined };
/** The end that somebody asks for, null: never, and the field that says so. */
export type RequestedExpiry = { at: Date | null; field: 'expires_at' | 'expires_in' };
type SentExpiry = { expires_at?: string | null | undefined; expires_in?: string | undefined };

/** The two ways to say when a key ends. */
export function expiryFields(clock: Clock) {
  return {
    expires_at: time('Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.')
      .refine((value) => new Date(value) > clock(), 'This must be in the future.')
      .nullish()
      .describe(
        'When the key stops working; null: never. If neither this nor `expires_in` is given: what is configured and the plan allows.',
      ),
    expires_in: lifetime
      .optional()
      .describe("The same, counted from now: a number with d, w, m (30 days) or y (365 days), or 'never'."),
  };
}

/** For a schema's refinement. */
export const ONE_EXPIRY = { path: ['expires_in'], message: 'Give either this or expires_at.' };

export function isOneExpiry({ expires_at: at, expires_in: lives }: SentExpiry): boolean {
  return at === undefined || lives === undefined;
}

/** @returns undefined when nothing was said */
export function readExpiry({ expires_at: at, expires_in: lives }: SentExpiry, now: Date): RequestedExpiry | undefined {
  if (lives !== undefined) return { at: inDays(daysOf(lives), now) ?? null, field: 'expires_in' };
  return at === undefined ? undefined : { at: at === null ? null : new Date(at), field: 'expires_at' };
}

/** @returns what is wrong with the end of a key that is made or moved, by its field */
export function expiryFaults(
  asked: RequestedExpiry | undefined,
  rules: ExpiryRules,
  now: Date,
): Record<string, string> {
  const longest = latestExpiry(rules, now);
  if (!asked || !longest || expiryMs(asked.at) <= longest.getTime() + CLOCK_SKEW_MS) return {};
  return { [asked.field]: `A key may live ${rules.maxExpiryDays} days at most.` };
}

/** When a key for which nothing was said ends; undefined: never. */
export function defaultExpiry({ defaultExpiryDays }: ExpiryRules, now: Date): Date | undefined {
  return inDays(defaultExpiryDays, now);
}

/** The latest end there may be; undefined: never. */
export function latestExpiry({ maxExpiryDays }: ExpiryRules, now: Date): Date | undefined {
  return inDays(maxExpiryDays, now);
}

/**
 * Judges a new end of a key. Moving it in is always allowed; out, where the configuration has it, up to the longest, and
 * not for a key that was replaced: it ends by the decision to replace it.
 * @throws AppError `validation_error`
 */
export function assertMovable(
  key: Key,
  asked: RequestedExpiry,
  rules: ExpiryRules,
  extends_: boolean,
  now: Date,
): void {
  const refuse = (reason: string) => invalidFields({ [asked.field]: reason });
  const status = statusOf(key, now);
  if (status !== 'active') throw refuse(`This key is ${status} and stays so. Create a new one instead.`);
  if (expiryMs(asked.at) <= expiryMs(key.expiresAt)) return;
  if (!extends_) throw refuse('The end of a key may be moved in, and not out.');
  if (key.rotatedTo !== undefined) throw refuse(`This key was replaced by ${key.rotatedTo}.`);
  const faults = expiryFaults(asked, rules, now);
  if (Object.keys(faults).length > 0) throw invalidFields(faults);
}

function inDays(days: number | undefined, now: Date): Date | undefined {
  return days === undefined ? undefined : new Date(now.getTime() + days * DAY_MS);
}
