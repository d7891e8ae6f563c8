import { z } from 'zod';
import { listOf } from '../../http/pagination.ts';
import { WEBHOOK_TYPES } from '../../product/webhook-types.ts';
import { DELIVERY_ERRORS, DELIVERY_STATUSES, MAX_RECENT } from './delivery.ts';
import type { WatchedDelivery } from './delivery.ts';

const time = z.iso.datetime();
const responseStatus = z.int().nullable();
const error = z.enum(DELIVERY_ERRORS).nullable();

const fields = {
  id: z.string().describe('Also the `webhook-id` that the endpoint receives.'),
  type: z.enum(WEBHOOK_TYPES).describe('Type of the event.'),
  endpoint: z
    .object({
      name: z.string(),
      origin: z
        .string()
        .nullable()
        .describe(
          'Scheme, host and port of its address, whose path may be secret; null where it is no longer configured.',
        ),
    })
    .describe('Where it is delivered.'),
  status: z
    .enum(DELIVERY_STATUSES)
    .describe(
      '`pending`: not attempted yet; `retrying`: the last attempt failed, another follows; `failed`: given up after 3 days.',
    ),
  attempts: z.int().describe('Attempts since it was written, or replayed.'),
  created_at: time.describe('When it was written, with the change that it reports.'),
  ended_at: time.nullable().describe('When it was delivered or given up; null while it is under way.'),
  next_attempt_at: time
    .nullable()
    .describe(
      'When the queue of its endpoint is due, which delivers in order; while an attempt runs, when that counts as lost. Null when none follows.',
    ),
  last_response_status: responseStatus.describe('HTTP status of the answer to the last attempt; null without one.'),
  last_error: error.describe(
    'Why it failed last: `http_error` is an answer other than 2xx, `timeout` none within 10 seconds, `connection_failed` no connection, `endpoint_removed` an endpoint that is no longer configured.',
  ),
};

export const WebhookDelivery = z.object(fields).meta({ id: 'WebhookDelivery' });
export const WebhookDeliveryList = listOf(WebhookDelivery).meta({ id: 'WebhookDeliveryList' });

export const WebhookDeliveryDetails = z
  .object({
    ...fields,
    recent_attempts: z
      .array(z.object({ at: time, response_status: responseStatus, error }))
      .describe(`The last ${MAX_RECENT} attempts, newest first, also those before a replay.`),
  })
  .meta({ id: 'WebhookDeliveryDetails' });

/** Shows a delivery; `originOf` returns what is shown of an endpoint's address. */
export function viewDelivery(
  delivery: WatchedDelivery,
  originOf: (endpoint: string) => string | undefined,
): z.input<typeof WebhookDelivery> {
  return {
    id: delivery.id,
    type: delivery.type,
    endpoint: { name: delivery.endpoint, origin: originOf(delivery.endpoint) ?? null },
    status: delivery.status,
    attempts: delivery.attempts,
    created_at: delivery.createdAt.toISOString(),
    ended_at: delivery.endedAt?.toISOString() ?? null,
    next_attempt_at: delivery.nextAttemptAt?.toISOString() ?? null,
    last_response_status: delivery.lastStatus ?? null,
    last_error: delivery.lastError ?? null,
  };
}

/** Shows a delivery with its attempts. */
export function viewDetails(
  delivery: WatchedDelivery,
  originOf: (endpoint: string) => string | undefined,
): z.input<typeof WebhookDeliveryDetails> {
  const attempts = delivery.recentAttempts.toReversed();
  return {
    ...viewDelivery(delivery, originOf),
    recent_attempts: attempts.map(({ at, status, error: reason }) => ({ at, response_status: status, error: reason })),
  };
}
