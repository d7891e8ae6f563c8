import { invalidFields } from '../http/validate.ts';
import { isWithin } from '../limits/effective-limits.ts';
import type { RateLimit } from '../limits/limits.ts';

type OwnLimits = { rateLimit?: RateLimit | null | undefined; concurrency?: number | null | undefined };
/** What no key of the organization goes beyond; undefined where there is no such bound. */
export type LimitMaximum = { maxRate: RateLimit | undefined; maxConcurrency: number | undefined };
/** What a plan says of keys that are made; undefined where it says nothing. */
export type PlanBounds = LimitMaximum & {
  permissionSets: ReadonlySet<string> | undefined;
  maxExpiryDays: number | undefined;
};

/** `expiresAt`: null asks for a key without an end, undefined for whatever the plan gives. */
type NewKey = OwnLimits & { permissionSet: string; expiresAt: Date | null | undefined };

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Whoever asks for exactly the longest time has a clock of their own. */
const CLOCK_SKEW_MS = 5 * 60 * 1_000;

/** @throws AppError `validation_error` for limits of a key's own that go beyond its organization's plan */
export function assertWithinPlan(limits: OwnLimits, plan: LimitMaximum): void {
  refuse(limitFaults(limits, plan));
}

/**
 * The same for a key that is to be made, and for its set and its end.
 * @returns when it ends: as asked for, else as late as the plan allows, else never
 */
export function endWithinPlan(key: NewKey, plan: PlanBounds, now: Date): Date | undefined {
  const longest = longestEnd(plan, now);
  refuse({
    ...(plan.permissionSets?.has(key.permissionSet) === false && {
      permission_set: 'The plan does not have this set.',
    }),
    ...(longest &&
      isBeyond(key.expiresAt, longest) && { expires_at: `The plan allows ${plan.maxExpiryDays} days at most.` }),
    ...limitFaults(key, plan),
  });
  return key.expiresAt ?? longest;
}

/**
 * The same for a key that takes another's place: of what it inherits, an end that is too late, or none, becomes the
 * latest that the plan allows.
 */
export function successorWithinPlan(
  old: { permissionSet: string | undefined; expiresAt: Date | undefined },
  plan: PlanBounds,
  now: Date,
): Date | undefined {
  const isAllowed =
    !plan.permissionSets || (old.permissionSet !== undefined && plan.permissionSets.has(old.permissionSet));
  refuse(
    isAllowed ? {} : { id: 'The plan no longer has the permission set of this key. Create one from another set.' },
  );
  const longest = longestEnd(plan, now);
  return longest && !(old.expiresAt && old.expiresAt < longest) ? longest : old.expiresAt;
}

function limitFaults({ rateLimit, concurrency }: OwnLimits, { maxRate, maxConcurrency }: LimitMaximum) {
  return {
    ...(rateLimit &&
      maxRate &&
      !isWithin(rateLimit, maxRate) && {
        rate_limit: `The plan allows at most ${maxRate.limit} requests in ${maxRate.windowSeconds} seconds.`,
      }),
    ...(concurrency &&
      maxConcurrency !== undefined &&
      concurrency > maxConcurrency && { concurrency: `The plan allows at most ${maxConcurrency} at a time.` }),
  };
}

function longestEnd({ maxExpiryDays: days }: PlanBounds, now: Date): Date | undefined {
  return days === undefined ? undefined : new Date(now.getTime() + days * DAY_MS);
}

function isBeyond(end: Date | null | undefined, longest: Date): boolean {
  return end === null || (end !== undefined && end.getTime() > longest.getTime() + CLOCK_SKEW_MS);
}

function refuse(fields: Readonly<Record<string, string>>): void {
  if (Object.keys(fields).length > 0) throw invalidFields(fields);
}
