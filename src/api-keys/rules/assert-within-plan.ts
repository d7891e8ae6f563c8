import { invalidFields } from '../../http/validate.ts';
import { expiryFaults, latestExpiry, defaultExpiry } from './key-expiry.ts';
import type { RequestedExpiry, ExpiryRules } from './key-expiry.ts';
import { isWithin } from '../../limits/effective-limits.ts';
import type { RateLimit } from '../../limits/limits.ts';

type OwnLimits = { rateLimit?: RateLimit | null | undefined; concurrency?: number | null | undefined };
/** The plan's bounds on limits of keys; undefined: unbounded. */
export type LimitMaximum = { maxRate: RateLimit | undefined; maxConcurrency: number | undefined };
/** The plan's bounds on new keys; undefined: unbounded. */
export type PlanBounds = LimitMaximum & ExpiryRules & { permissionSets: ReadonlySet<string> | undefined };

/** `permissionSet`: undefined for chosen scopes, which plans do not restrict. `expiry`: undefined for the default. */
type NewKey = OwnLimits & { permissionSet: string | undefined; expiry: RequestedExpiry | undefined };

/** @throws AppError `validation_error` for limits beyond the plan's */
export function assertWithinPlan(limits: OwnLimits, plan: LimitMaximum): void {
  refuse(limitFaults(limits, plan));
}

/**
 * Checks a new key's limits, permission set and expiry.
 * @returns its expiry, as requested or by default; undefined: never
 * @throws AppError `validation_error`
 */
export function expiryWithinPlan(key: NewKey, plan: PlanBounds, now: Date): Date | undefined {
  refuse({
    ...(key.permissionSet !== undefined &&
      plan.permissionSets?.has(key.permissionSet) === false && {
        permission_set: 'The plan does not include this permission set. `GET /v1/permission-sets` lists those it does.',
      }),
    ...expiryFaults(key.expiry, plan, now),
    ...limitFaults(key, plan),
  });
  return key.expiry ? (key.expiry.at ?? undefined) : defaultExpiry(plan, now);
}

/**
 * Checks the permission set that a successor inherits; chosen scopes (`isChosen`) are not restricted.
 * @returns the inherited expiry, or the latest that the plan allows where that is sooner; undefined: never
 * @throws AppError `validation_error`
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
    isAllowed
      ? {}
      : { id: 'The plan no longer includes the permission set of this key. Create a key from another set.' },
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
