import { z } from 'zod';
import { text } from '../http/text.ts';
import { time } from '../http/time.ts';
import { invalidFields } from '../http/validate.ts';
import type { BillingStatement } from './apply-billing.ts';
import { BILLING_STATUSES } from '../tenants/posture.ts';

/** As far as our clock and the one of whoever speaks may be apart. */
const MAX_AHEAD_MS = 300_000;

/** What billing may say of an organization, whichever way it says it. */
export function statementSchema(planNames: [string, ...string[]]) {
  return z
    .strictObject({
      status: z.enum(BILLING_STATUSES),
      trial_ends_at: time('Give a time in ISO 8601.').nullish(),
      plan: z.enum(planNames).optional().describe('Stays as it was when not given.'),
      key_limit: z
        .int()
        .min(0)
        .max(1_000_000)
        .nullish()
        .describe("Instead of the plan's, for this organization; null: the plan's again."),
      decommission_at: time('Give a time in ISO 8601.')
        .nullish()
        .describe(
          'Of an organization that is being decommissioned: when all its keys are revoked; null: not yet known.',
        ),
      occurred_at: time('Give a time in ISO 8601.')
        .optional()
        .describe('When it happened. If not given: now, and after whatever was said before.'),
      reason: text({ min: 1, max: 500 }).optional().describe('For people; kept in the audit log.'),
    })
    .refine(({ status, decommission_at }) => !decommission_at || status === 'decommissioning', {
      path: ['decommission_at'],
      message: 'Only an organization that is being decommissioned has such a time.',
    })
    .refine(({ status, trial_ends_at }) => status !== 'trial' || trial_ends_at, {
      path: ['trial_ends_at'],
      message: 'A trial needs the time at which it ends.',
    })
    .meta({ id: 'SetBilling' });
}

export type SentStatement = z.output<ReturnType<typeof statementSchema>>;

/**
 * What is said to happen later would silence whatever really happens until then.
 * @throws AppError `validation_error` for the field
 */
export function assertHappened(moment: Date, field: string, now: Date): void {
  if (moment.getTime() > now.getTime() + MAX_AHEAD_MS) throw invalidFields({ [field]: 'This has not happened yet.' });
}

export function statementOf(organizationId: string, sent: SentStatement, now: Date): BillingStatement {
  return {
    organizationId,
    status: sent.status,
    trialEndsAt: timeOf(sent.trial_ends_at) ?? undefined,
    plan: sent.plan,
    keyLimit: sent.key_limit,
    decommissionAt: timeOf(sent.decommission_at),
    occurredAt: timeOf(sent.occurred_at) ?? now,
    isNow: sent.occurred_at === undefined,
    reason: sent.reason,
  };
}

function timeOf(sent: string | null | undefined): Date | null | undefined {
  return typeof sent === 'string' ? new Date(sent) : sent;
}
