import { z } from 'zod';
import { text } from '../http/text.ts';
import { time } from '../http/time.ts';
import { invalidFields } from '../http/validate.ts';
import type { BillingStatement } from './apply-billing.ts';
import { BILLING_STATUSES } from '../tenants/posture.ts';

/** How far the clock of the sender may be ahead of ours. */
const MAX_AHEAD_MS = 300_000;

/** The schema of a billing statement, by request or by webhook. */
export function statementSchema(planNames: [string, ...string[]]) {
  return z
    .strictObject({
      status: z.enum(BILLING_STATUSES),
      trial_ends_at: time('Give a time in ISO 8601.').nullish(),
      plan: z.enum(planNames).optional().describe('The plan; unchanged if not given.'),
      key_limit: z
        .int()
        .min(0)
        .max(1_000_000)
        .nullish()
        .describe("The key limit of this organization, instead of the plan's; null: the plan's again."),
      decommission_at: time('Give a time in ISO 8601.')
        .nullish()
        .describe('Only with the status `decommissioning`: when all keys are revoked; null: not known yet.'),
      occurred_at: time('Give a time in ISO 8601.')
        .optional()
        .describe('When it happened. If not given: now, and later than every earlier statement.'),
      reason: text({ min: 1, max: 500 }).optional().describe('The reason, for people. It is stored in the audit log.'),
    })
    .refine(({ status, decommission_at }) => !decommission_at || status === 'decommissioning', {
      path: ['decommission_at'],
      message: 'Give this only with the status decommissioning.',
    })
    .refine(({ status, trial_ends_at }) => status !== 'trial' || trial_ends_at, {
      path: ['trial_ends_at'],
      message: 'A trial needs its end; give the time in ISO 8601.',
    })
    .meta({ id: 'SetBilling' });
}

export type SentStatement = z.output<ReturnType<typeof statementSchema>>;

/**
 * Refuses a time in the future, which would make every statement until then stale.
 * @throws AppError `validation_error` for the field
 */
export function assertHappened(moment: Date, field: string, now: Date): void {
  if (moment.getTime() > now.getTime() + MAX_AHEAD_MS)
    throw invalidFields({ [field]: 'This time is in the future. Give the time at which it happened.' });
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
