import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { NOTICE_TYPES } from '../product/webhook-types.ts';
import type { NoticeType } from '../product/webhook-types.ts';
import { NOTICE_BODIES, NOTICE_SUMMARIES } from './webhook.ts';

const Headers = z.object({
  'webhook-id': z.string().meta({ description: 'The same whenever the notice is sent again.' }),
  'webhook-timestamp': z.string().meta({ description: 'When it was sent, in seconds since 1970.' }),
  'webhook-signature': z.string().meta({ description: 'Signatures by Standard Webhooks, separated by spaces.' }),
});

/** The notices as webhooks of the OpenAPI document, by type. */
export const NOTICE_WEBHOOKS: ZodOpenApiPathsObject = Object.fromEntries(
  NOTICE_TYPES.map((type) => [type, { post: operation(type) }]),
);

function operation(type: NoticeType) {
  return {
    operationId: `on${type
      .split(/[._]/)
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('')}`,
    tags: ['Notices'],
    summary: NOTICE_SUMMARIES[type],
    security: [],
    requestParams: { header: Headers },
    requestBody: { required: true, content: { 'application/json': { schema: NOTICE_BODIES[type] } } },
    responses: {
      '2XX': { description: 'Taken. Whatever else is answered, the notice is sent again.' },
      '4XX': { description: 'Not taken.' },
    },
  };
}
