import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { WEBHOOK_TYPES } from '../product/webhook-types.ts';
import type { WebhookType } from '../product/webhook-types.ts';
import { WEBHOOK_BODIES, WEBHOOK_SUMMARIES } from './webhook.ts';

const Headers = z.object({
  'webhook-id': z.string().meta({ description: 'The id of the webhook. A retry has the same id.' }),
  'webhook-timestamp': z.string().meta({ description: 'When this attempt was sent, in seconds since 1970.' }),
  'webhook-signature': z
    .string()
    .meta({ description: 'Standard Webhooks signatures, separated by spaces: one for each of your secrets.' }),
});

/** The webhooks of the OpenAPI document, by type. */
export const DOCUMENTED_WEBHOOKS: ZodOpenApiPathsObject = Object.fromEntries(
  WEBHOOK_TYPES.map((type) => [type, { post: operation(type) }]),
);

function operation(type: WebhookType) {
  return {
    operationId: `on${type
      .split(/[._]/)
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('')}`,
    tags: ['Outgoing webhooks'],
    summary: WEBHOOK_SUMMARIES[type],
    security: [],
    requestParams: { header: Headers },
    requestBody: { required: true, content: { 'application/json': { schema: WEBHOOK_BODIES[type] } } },
    responses: {
      '2XX': { description: 'Delivered. After any other answer the webhook is sent again.' },
      '4XX': { description: 'Not delivered; the webhook is sent again.' },
    },
  };
}
