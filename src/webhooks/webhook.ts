import { z } from 'zod';
import { POSTURES } from '../tenants/posture.ts';
import { ApiKey, viewKey } from '../api-keys/key-schemas.ts';
import { ENVIRONMENTS } from '../api-keys/key.ts';
import type { Key } from '../api-keys/key.ts';
import type { NoticeType } from '../product/webhook-types.ts';

/** What an organization's endpoints are told, once each. */
export type Notice = { type: NoticeType; happenedAt: Date; data: object };

/** A key as notices have it: what people wrote on it for themselves stays here. */
export const NoticedKey = ApiKey.omit({
  description: true,
  metadata: true,
  last_used_at: true,
  effective_scopes: true,
  scopes_follow_set: true,
}).meta({ id: 'NoticedApiKey', description: 'The key.' });

const Actor = z
  .object({
    kind: z.string().describe('`user`, `machine`, `api_key`, `service`, `workos` or `system`.'),
    id: z.string().describe('Id of the actor, by its kind.'),
  })
  .describe('Actor of the change.');

function body<D extends z.ZodRawShape>(type: NoticeType, data: D) {
  return z.object({
    type: z.literal(type).describe('Type of the event.'),
    timestamp: z.iso.datetime().describe('When it happened.'),
    data: z
      .object({ organization_id: z.string().describe('Organization that it happened in.'), ...data })
      .describe('What happened.'),
  });
}

const details = <S extends z.ZodRawShape>(shape: S) => z.object(shape).describe('What this type of event adds.');
const nothing = details({});

/** What is sent, by type; the OpenAPI document's webhooks are made from this. */
export const NOTICE_BODIES = {
  'api_key.created': body('api_key.created', { api_key: NoticedKey, actor: Actor, details: nothing }),
  'api_key.rotated': body('api_key.rotated', {
    api_key: NoticedKey.describe('The key that was replaced; `rotated_to` names the new one.'),
    actor: Actor,
    details: details({ grace_seconds: z.int().describe('Seconds that the old key goes on working.') }),
  }),
  'api_key.revoked': body('api_key.revoked', { api_key: NoticedKey, actor: Actor, details: nothing }),
  'api_key.expiring': body('api_key.expiring', {
    api_key: NoticedKey,
    details: details({ days_left: z.int().min(1).max(7).describe('Days until it expires.') }),
  }),
  'api_key.unused': body('api_key.unused', {
    api_key: NoticedKey,
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
} as const satisfies Record<NoticeType, z.ZodType>;

/** When each is sent, for the OpenAPI document. */
export const NOTICE_SUMMARIES: Readonly<Record<NoticeType, string>> = {
  'api_key.created': 'A key was created, here or at WorkOS',
  'api_key.rotated': 'A key was replaced; its successor has an `api_key.created` of its own',
  'api_key.revoked': 'A key was revoked, here or at WorkOS',
  'api_key.expiring': 'A key expires in 7 days, or in 1 day',
  'api_key.unused': 'A key has not been used for 90 days',
  'api_key.limit_reached': 'A key was refused because the organization has reached its key limit',
  'organization.posture_changed': 'What billing allows an organization has changed',
};

type Data<T extends NoticeType> = Omit<z.input<(typeof NOTICE_BODIES)[T]>['data'], 'organization_id'>;

/** A notice of what happened in an organization; nothing but what its schema names is in it. */
export function notice<T extends NoticeType>(type: T, organizationId: string, happenedAt: Date, data: Data<T>): Notice {
  return { type, happenedAt, data: { organization_id: organizationId, ...data } };
}

export function viewNoticedKey(key: Key, now: Date): z.input<typeof NoticedKey> {
  return NoticedKey.parse(viewKey(key, now));
}
