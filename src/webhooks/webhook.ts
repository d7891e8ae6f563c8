import { z } from 'zod';
import { FINDINGS, FINDING_MEANINGS } from '../access-reviews/reviewed-key.ts';
import type { Finding } from '../access-reviews/reviewed-key.ts';
import { POSTURES } from '../tenants/posture.ts';
import { ApiKey, Creator, viewKey } from '../api-keys/key-schemas.ts';
import { ENVIRONMENTS } from '../api-keys/key.ts';
import type { Key } from '../api-keys/key.ts';
import { LEAK_OUTCOMES } from '../leaks/take-tokens.ts';
import type { WebhookType } from '../product/webhook-types.ts';

/** An event of an organization, delivered once to each endpoint that wants its type. */
export type WebhookEvent = { type: WebhookType; happenedAt: Date; data: object };

/** A key in a webhook. A field is listed here to publish it; the customer's description and metadata stay private. */
export const PublishedKey = ApiKey.pick({
  id: true,
  label: true,
  prefix: true,
  permission_set: true,
  scopes: true,
  environment: true,
  owner: true,
  status: true,
  expires_at: true,
  expires_in_days: true,
  rate_limit: true,
  concurrency: true,
  ip_allow_list: true,
  origin: true,
  rotated_from: true,
  rotated_to: true,
  created_by: true,
  created_at: true,
  updated_at: true,
  revoked_at: true,
  suspended_at: true,
})
  .extend({ created_by: Creator })
  .meta({ id: 'NoticedApiKey', description: 'The key.' });

const Actor = z
  .object({
    kind: z.string().describe('`user`, `machine`, `api_key`, `ci`, `staff`, `service`, `workos` or `system`.'),
    id: z.string().describe('Id of the actor, by its kind.'),
  })
  .describe('Actor of the change.');

function body<D extends z.ZodRawShape>(type: WebhookType, data: D) {
  return z.object({
    type: z.literal(type).describe('Type of the event.'),
    timestamp: z.iso.datetime().describe('When the event happened, which may be before this attempt.'),
    data: z
      .object({ organization_id: z.string().describe('Organization that it happened in.'), ...data })
      .describe('What happened.'),
  });
}

const details = <S extends z.ZodRawShape>(shape: S) => z.object(shape).describe('What this type of event adds.');
const nothing = details({});

/** The body of each webhook, by type. */
export const WEBHOOK_BODIES = {
  'api_key.created': body('api_key.created', { api_key: PublishedKey, actor: Actor, details: nothing }),
  'api_key.rotated': body('api_key.rotated', {
    api_key: PublishedKey.describe('The key that was replaced; `rotated_to` is the id of the new one.'),
    actor: Actor,
    details: details({ grace_seconds: z.int().describe('Seconds that the old key goes on working.') }),
  }),
  'api_key.revoked': body('api_key.revoked', { api_key: PublishedKey, actor: Actor, details: nothing }),
  'api_key.leaked': body('api_key.leaked', {
    api_key: PublishedKey.describe(
      'The key; where it is revoked or suspended for this, an `api_key.revoked` or `api_key.suspended` follows.',
    ),
    actor: Actor,
    details: details({
      origin: z.string().describe('Who reported it: `github`, `gitlab` or `depsdev`.'),
      source: z.string().nullable().describe('Kind of the place, such as `commit`, if the report names one.'),
      url: z.string().nullable().describe('Where it was found, if the report says so.'),
      response: z.enum(LEAK_OUTCOMES).describe('What was done: `notified` leaves the key as it is.'),
    }),
  }),
  'api_key.suspended': body('api_key.suspended', {
    api_key: PublishedKey,
    actor: Actor,
    details: details({ reason: z.string().nullable().describe('The reason that the actor gave, if any.') }),
  }),
  'api_key.resumed': body('api_key.resumed', { api_key: PublishedKey, actor: Actor, details: nothing }),
  'api_key.expiring': body('api_key.expiring', {
    api_key: PublishedKey,
    details: details({ days_left: z.int().min(1).max(7).describe('Days until it expires.') }),
  }),
  'api_key.unused': body('api_key.unused', {
    api_key: PublishedKey,
    details: details({
      unused_days: z.int().describe('Days since its last use, or since its creation.'),
      last_used_at: z.iso.datetime().nullable().describe('Its last use; null: never.'),
    }),
  }),
  'api_key.limit_reached': body('api_key.limit_reached', {
    details: details({
      limit: z.int().describe('Limit that the organization has reached.'),
      environment: z.enum(ENVIRONMENTS).describe('Environment of the key that was refused.'),
    }),
  }),
  'organization.posture_changed': body('organization.posture_changed', {
    details: details({
      from: z.enum(POSTURES).describe('Posture before.'),
      to: z.enum(POSTURES).describe('Posture now.'),
      cause: z.enum(['billing', 'clock', 'workos', 'configuration']).describe('What changed it.'),
      reason: z
        .string()
        .nullable()
        .describe('Reason that billing gave, if any; `trial_ended` or `grace_ended` where the cause is the clock.'),
    }),
  }),
  'access_review.ready': body('access_review.ready', {
    details: details({
      keys: z.int().describe('Active keys with any finding; `GET /v1/access-review` lists them.'),
      ...(Object.fromEntries(
        FINDINGS.map((name) => [name, z.int().describe(`Of these: ${FINDING_MEANINGS[name]}.`)]),
      ) as Record<Finding, z.ZodInt>),
      unknown_creators: z.int().describe('Creators of active keys of whom WorkOS has not said yet whether they left.'),
    }),
  }),
} as const satisfies Record<WebhookType, z.ZodType>;

/** When each webhook is sent, for the OpenAPI document. */
export const WEBHOOK_SUMMARIES: Readonly<Record<WebhookType, string>> = {
  'api_key.created': 'A key was created, here or at WorkOS',
  'api_key.rotated': 'A key was replaced; its successor has an `api_key.created` of its own',
  'api_key.revoked': 'A key was revoked, here or at WorkOS',
  'api_key.leaked': 'A scanner, such as GitHub, reported that a key is public',
  'api_key.suspended': 'A key was suspended, and is refused until it is resumed',
  'api_key.resumed': 'A suspended key works again',
  'api_key.expiring': 'A key expires in 7 days, or in 1 day',
  'api_key.unused': 'A key has not been used for 90 days',
  'api_key.limit_reached': 'A key was refused because the organization has reached its key limit',
  'organization.posture_changed': 'The posture of an organization has changed, and with it what billing allows',
  'access_review.ready': 'The access review of an organization is due, every `webhooks.access_reviews.every_days`',
};

type Data<T extends WebhookType> = Omit<z.input<(typeof WEBHOOK_BODIES)[T]>['data'], 'organization_id'>;

/** Creates an event of an organization, with only the fields of its schema. */
export function webhookEvent<T extends WebhookType>(
  type: T,
  organizationId: string,
  happenedAt: Date,
  data: Data<T>,
): WebhookEvent {
  return { type, happenedAt, data: { organization_id: organizationId, ...data } };
}

export function viewPublishedKey(key: Key, now: Date): z.input<typeof PublishedKey> {
  return PublishedKey.parse(viewKey(key, now));
}
