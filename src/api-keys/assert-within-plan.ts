import { invalidFields } from '../http/validate.ts';
import { expiryFaults, latestExpiry, defaultExpiry } from './key-expiry.ts';
import type { RequestedExpiry, ExpiryRules } from './key-expiry.ts';
import { isWithin } from '../limits/effective-limits.ts';
import type { RateLimit } from '../limits/limits.ts';

type OwnLimits = { rateLimit?: RateLimit | null | undefined; concurrency?: number | null | undefined };
/** What no key of the organization goes beyond; undefined where there is no such bound. */
export type LimitMaximum = { maxRate: RateLimit | undefined; maxConcurrency: number | undefined };
/** What a plan says of keys that are made; undefined where it says nothing. */
export type PlanBounds = LimitMaximum & ExpiryRules & { permissionSets: ReadonlySet<string> | undefined };

/** `permissionSet`: undefined for a key from chosen scopes, of which plans say nothing. `end`: undefined for what is usual. */
type NewKey = OwnLimits & { permissionSet: string | undefined; end: RequestedExpiry | undefined };

/** @throws AppError `validation_error` for limits of a key's own that go beyond its organization's plan */
export function assertWithinPlan(limits: OwnLimits, plan: LimitMaximum): void {
  refuse(limitFaults(limits, plan));
}

/**
 * The same for a key that is to be made, and for its set and its end.
 * @returns when it ends: as asked for, else as is usual; undefined: never
 */
export function expiryWithinPlan(key: NewKey, plan: PlanBounds, now: Date): Date | undefined {
  refuse({
    ...(key.permissionSet !== undefined &&
      plan.permissionSets?.has(key.permissionSet) === false && { permission_set: 'The plan does not have this set.' }),
    ...expiryFaults(key.end, plan, now),
    ...limitFaults(key, plan),
  });
  return key.end ? (key.end.at ?? undefined) : defaultExpiry(plan, now);
}

/**
 * The same for a key that takes another's place: of what it inherits, an end that is too late, or none, becomes the
 * latest that the plan allows. `isChosen`: it was made from chosen scopes, of which plans say nothing.
 */
export function successorExpiryWithinPlan(
  old: { permissionSet: string | undefined; expiresAt: Date | undefined; isChosen: boolean },
  plan: PlanBounds,
  now: Date,
): Date | undefined {
  const isAllowed =
    !plan.permissionSets ||
    (old.permissionSet === undefined ? old.isChosen : plan.permissionSets.has(old.permissionSet));
  refuse(
    isAllowed ? {} : { id: 'The plan no longer has the permission set of this key. Create one from another set.' },
  );
  const longest = latestExpiry(plan, now);
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

function refuse(fields: Readonly<Record<string, string>>): void {
  if (Object.keys(fields).length > 0) throw invalidFields(fields);
}
