import type { Clock } from '../../clock.ts';
import { invalidFields } from '../../http/validate.ts';
import { time } from '../../http/time.ts';
import { daysOf, lifetime } from '../../product/duration.ts';
import { statusOf } from '../key.ts';
import type { Key } from '../key.ts';
import { expiryMs } from '../mirror/mirror-expiry.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A client that computes the latest expiry allowed does so by its own clock. */
const CLOCK_SKEW_MS = 5 * 60 * 1_000;

/** Lifetimes of keys in days; undefined: without end. */
export type ExpiryRules = { maxExpiryDays: number | undefined; defaultExpiryDays: number | undefined };
/** The expiry that a request names, null: never, and the field that names it. */
export type RequestedExpiry = { at: Date | null; field: 'expires_at' | 'expires_in' };
type SentExpiry = { expires_at?: string | null | undefined; expires_in?: string | undefined };

/** The two fields that can name an expiry. */
export function expiryFields(clock: Clock) {
  return {
    expires_at: time('Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.')
      .refine((value) => new Date(value) > clock(), 'This must be in the future.')
      .nullish()
      .describe(
        'When the key stops working; null: never. If both this and `expires_in` are omitted, the configured default applies, up to the longest lifetime of the plan.',
      ),
    expires_in: lifetime
      .optional()
      .describe(
        "The lifetime from now, instead of `expires_at`: a number with d, w, m (30 days) or y (365 days), or 'never'.",
      ),
  };
}

/** The refinement of a schema with both. */
export const ONE_EXPIRY = { path: ['expires_in'], message: 'Give either expires_in or expires_at, not both.' };

export function isOneExpiry({ expires_at: at, expires_in: lives }: SentExpiry): boolean {
  return at === undefined || lives === undefined;
}

/** @returns undefined when the request names none */
export function readExpiry({ expires_at: at, expires_in: lives }: SentExpiry, now: Date): RequestedExpiry | undefined {
  if (lives !== undefined) return { at: inDays(daysOf(lives), now) ?? null, field: 'expires_in' };
  return at === undefined ? undefined : { at: at === null ? null : new Date(at), field: 'expires_at' };
}

/** @returns the fault of an expiry that is too late, by its field */
export function expiryFaults(
  requested: RequestedExpiry | undefined,
  rules: ExpiryRules,
  now: Date,
): Record<string, string> {
  const longest = latestExpiry(rules, now);
  if (!requested || !longest || expiryMs(requested.at) <= longest.getTime() + CLOCK_SKEW_MS) return {};
  return { [requested.field]: `A key can live at most ${rules.maxExpiryDays} days. Choose an earlier expiry.` };
}

/** The expiry of a key whose request names none; undefined: never. */
export function defaultExpiry({ defaultExpiryDays }: ExpiryRules, now: Date): Date | undefined {
  return inDays(defaultExpiryDays, now);
}

/** The latest expiry allowed; undefined: never. */
export function latestExpiry({ maxExpiryDays }: ExpiryRules, now: Date): Date | undefined {
  return inDays(maxExpiryDays, now);
}

/**
 * Checks a new expiry of an existing key. Earlier is always allowed. Later needs the configuration's `extend`, is bounded
 * as for a new key, and is refused for a key that was replaced.
 * @throws AppError `validation_error`
 */
export function assertMovable(
  key: Key,
  requested: RequestedExpiry,
  rules: ExpiryRules,
  extends_: boolean,
  now: Date,
): void {
  const refuse = (reason: string) => invalidFields({ [requested.field]: reason });
  const status = statusOf(key, now);
  if (status === 'revoked' || status === 'expired')
    throw refuse(`This key is ${status}, and its expiry can no longer change. Create a new key instead.`);
  if (expiryMs(requested.at) <= expiryMs(key.expiresAt)) return;
  if (key.origin === 'ci') throw refuse('The expiry of a key of a CI job can be moved earlier, not later.');
  if (!extends_) throw refuse('The expiry of a key can be moved earlier, not later. Create a new key instead.');
  if (key.rotatedTo !== undefined) throw refuse(`This key was replaced by ${key.rotatedTo}. Change that one instead.`);
  const faults = expiryFaults(requested, rules, now);
  if (Object.keys(faults).length > 0) throw invalidFields(faults);
}

function inDays(days: number | undefined, now: Date): Date | undefined {
  return days === undefined ? undefined : new Date(now.getTime() + days * DAY_MS);
}
