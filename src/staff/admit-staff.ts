import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { ServiceCaller, StaffCaller } from '../http/caller.ts';
import type { BillingClass } from '../http/route.ts';
import { ACTOR_ID, NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../ids.ts';

type Deps = {
  /** Whether the organization has a tenant here that WorkOS has not deleted. */
  isOrganizationKnown: (organizationId: string) => Promise<boolean>;
  /** @throws AppError `billing_inactive` */
  assertBilling: (organizationId: string, billing: BillingClass) => Promise<void>;
  /** Counts a request of the token's name. */
  takeStaffRequest: (
    tokenName: string,
  ) => Promise<{ refused: boolean; resetSeconds: number; limit: number; windowSeconds: number }>;
  permissionSets: readonly string[];
};

export type AdmitStaff = ReturnType<typeof makeAdmitStaff>;

export const organizationParam = { id: z.string().max(1024).describe("WorkOS's id of the organization.") };

const MAX_STAFF_ID = 128;

export const ActingStaff = z.strictObject({
  staff_id: z
    .string()
    .max(MAX_STAFF_ID)
    .regex(ACTOR_ID, 'Give up to 128 printable ASCII characters without spaces.')
    .optional()
    .describe(
      'The member of staff who acts, as your service knows them. The audit event has it as `details.staff_id`.',
    ),
});

/** Error codes of every route of staff. */
export const STAFF_ERRORS = ['organization_not_found', 'billing_inactive'] as const;

/**
 * Admits a service token with a staff scope to one organization, whose billing posture it meets as the organization's own
 * people do. Every request counts towards the rate of the token's name.
 * @throws AppError `rate_limited`, `organization_not_found`, `billing_inactive`
 */
export function makeAdmitStaff({ isOrganizationKnown, assertBilling, takeStaffRequest, permissionSets }: Deps) {
  return async function admitStaff(
    { name, tokenId, scopes }: ServiceCaller,
    { organizationId, staffId }: { organizationId: string; staffId: string | undefined },
    billing: BillingClass,
  ): Promise<StaffCaller> {
    const tokenName = name ?? tokenId;
    const { refused, resetSeconds, limit, windowSeconds } = await takeStaffRequest(tokenName);
    if (refused) throw tooMany(resetSeconds, limit, windowSeconds);
    if (!ORGANIZATION_ID.test(organizationId)) throw new AppError('organization_not_found', NO_ORGANIZATION_ID);
    if (!(await isOrganizationKnown(organizationId)))
      throw new AppError('organization_not_found', 'This organization is not known to Latchkey.');
    await assertBilling(organizationId, billing);
    return { kind: 'staff', organizationId, tokenName, staffId, permissionSets, scopes };
  };
}

function tooMany(retryAfter: number, limit: number, windowSeconds: number): AppError {
  return new AppError(
    'rate_limited',
    `Staff may send ${limit} requests in ${windowSeconds} seconds with this token. Retry in ${retryAfter} seconds.`,
    { details: { retry_after: retryAfter, limit, window_seconds: windowSeconds } },
  );
}
