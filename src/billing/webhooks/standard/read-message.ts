import { z } from 'zod';
import { assertHappened, statementSchema } from '../../statement-schema.ts';
import { time } from '../../../http/time.ts';
import { invalidFields, validate } from '../../../http/validate.ts';
import { NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../../../ids.ts';
import { EVENT_TYPE } from '../webhook.ts';
import type { Webhook } from '../webhook.ts';

export const BILLING_UPDATED = 'tenant.billing_updated';

/** A valid message, as it was sent. */
export type BillingMessage = { organization_id: string; occurred_at: string; status: string };
/** What is kept of a message. Stored in the inbox. */
export type StandardContents = { kind: 'billing'; message: BillingMessage };

/** What the body of any Standard Webhooks message must have. */
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
 * Reads messages by the rules of `PUT /v1/organizations/{id}/billing`.
 * @throws AppError `validation_error` with the fields, for the author of the sender
 */
export function readMessage(planNames: [string, ...string[]]) {
  const Statement = statementSchema(planNames);
  return (
    eventId: string,
    { type, timestamp, data }: z.output<typeof MessageBody>,
    now: Date,
  ): Webhook<StandardContents> => {
    const webhook = { source: 'billing' as const, eventId, type };
    if (type !== BILLING_UPDATED) {
      return {
        ...webhook,
        occurredAt: timestamp === undefined ? undefined : new Date(timestamp),
        contents: { kind: 'foreign' },
      };
    }
    const { organization_id: organizationId, ...rest } = validate(z.object({ data: About }), { data }, 'body').data;
    const { data: statement } = validate(z.object({ data: Statement }), { data: rest }, 'body');
    const occurredAt = timeStated(statement.occurred_at ?? timestamp, now);
    const message: BillingMessage = {
      ...statement,
      organization_id: organizationId,
      occurred_at: occurredAt.toISOString(),
    };
    return { ...webhook, occurredAt, organizationId, contents: { kind: 'billing', message } };
  };
}

function timeStated(stated: string | undefined, now: Date): Date {
  if (stated === undefined)
    throw invalidFields({ timestamp: 'Give the time of the event here, or in data.occurred_at.' });
  const moment = new Date(stated);
  assertHappened(moment, 'data.occurred_at', now);
  return moment;
}
