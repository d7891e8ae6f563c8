import { z } from 'zod';
import { scope } from './scope-group.ts';
import { WEBHOOK_TYPES } from './webhook-types.ts';

const MAX_ENDPOINTS = 20;
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

const address = z
  .string()
  .max(2_000)
  .refine(isAllowed, 'needs an https address without a password in it; http is for this machine alone')
  .describe('Address that webhooks are sent to: https, or http on loopback.');

const Endpoint = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'needs lower-case letters, digits, _ or -, at most 32, beginning with a letter')
    .refine((name) => name !== 'workos', "'workos' is the name of WorkOS Audit Logs")
    .describe('Name of the endpoint, in metrics and commands.'),
  url: address,
  events: z
    .array(z.enum(WEBHOOK_TYPES))
    .min(1)
    .max(WEBHOOK_TYPES.length)
    .optional()
    .describe('Types of events to send; all, if not given.'),
  secret_env: z
    .string()
    .regex(/^LATCHKEY_NOTICES_SECRET[A-Z0-9_]{0,40}$/, 'needs a name that begins with LATCHKEY_NOTICES_SECRET')
    .describe('Name of the environment variable with the signing secrets: `whsec_…`, several separated by commas.'),
});

/** The outgoing webhooks that a product file may configure. */
export const WebhookRules = z
  .strictObject({
    endpoints: z
      .array(Endpoint)
      .max(MAX_ENDPOINTS)
      .refine(
        (endpoints) => new Set(endpoints.map(({ name }) => name)).size === endpoints.length,
        'has two endpoints of one name',
      )
      .default([])
      .describe('Endpoints that webhooks are sent to.'),
    audit_forwarding: z
      .boolean()
      .default(false)
      .describe(
        'Whether every audit event is sent to WorkOS Audit Logs, whose schemas must exist there first (`npm run audit:schemas`).',
      ),
    access_reviews: z
      .strictObject({
        every_days: z
          .int()
          .min(1)
          .max(366)
          .default(90)
          .describe('Days between two `access_review.ready` of an organization.'),
      })
      .optional()
      .describe('Sends the counts of each access review, `access_review.ready`; never, if not given.'),
    deliveries: z
      .strictObject({
        read_scope: scope
          .default('audit:read')
          .describe('Scope of the people and machines of an organization that may see its deliveries.'),
        replay_scope: scope.default('apikeys:write').describe('Scope of those that may have them delivered again.'),
      })
      .prefault({})
      .describe('Who, in an organization, may watch the webhooks that are sent about it.'),
  })
  .prefault({})
  .describe('Outgoing webhooks (docs/how-to/send-webhooks.md).');

function isAllowed(url: string): boolean {
  const { protocol, hostname, username, password } = URL.parse(url) ?? {};
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname ?? ''));
}
