import { z } from 'zod';
import { assertHappened, statementSchema } from '../../statement-schema.ts';
import { time } from '../../../http/time.ts';
import { invalidFields, validate } from '../../../http/validate.ts';
import { NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../../../ids.ts';
import { BILLING_UPDATED, EVENT_TYPE } from '../webhook.ts';
import type { BillingMessage, Hook } from '../webhook.ts';

/** The body of any message in Standard Webhooks. */
export const MessageBody = z
  .looseObject({
    type: z.string().regex(EVENT_TYPE, 'Give a type as `tenant.billing_updated`.'),
    timestamp: time('Give a time in ISO 8601.').optional().describe('When it happened.'),
    data: z.unknown().optional(),
  })
  .meta({ id: 'BillingHook' });

const About = z.looseObject({
  organization_id: z.string().regex(ORGANIZATION_ID, NO_ORGANIZATION_ID),
});

/**
 * Reads a message, by the rules of `PUT /v1/organizations/{id}/billing`.
 * @throws AppError `validation_error`: whoever wrote the sender wants to know which field it is
 */
export function readMessage(planNames: [string, ...string[]]) {
  const Statement = statementSchema(planNames);
  return (eventId: string, { type, timestamp, data }: z.output<typeof MessageBody>, now: Date): Hook => {
    const hook = { source: 'billing' as const, eventId, type };
    if (type !== BILLING_UPDATED) {
      return {
        ...hook,
        occurredAt: timestamp === undefined ? undefined : new Date(timestamp),
        contents: { kind: 'foreign' },
      };
    }
    const { organization_id: organizationId, ...rest } = validate(z.object({ data: About }), { data }, 'body').data;
    const { data: statement } = validate(z.object({ data: Statement }), { data: rest }, 'body');
    const occurredAt = momentOf(statement.occurred_at ?? timestamp, now);
    const message: BillingMessage = {
      ...statement,
      organization_id: organizationId,
      occurred_at: occurredAt.toISOString(),
    };
    return { ...hook, occurredAt, contents: { kind: 'billing', message } };
  };
}

function momentOf(said: string | undefined, now: Date): Date {
  if (said === undefined) throw invalidFields({ timestamp: 'Say when it happened, here or in data.occurred_at.' });
  const moment = new Date(said);
  assertHappened(moment, 'data.occurred_at', now);
  return moment;
}
