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
}).meta({ id: 'NoticedApiKey' });

const Actor = z.object({ kind: z.string(), id: z.string() });

function body<D extends z.ZodRawShape>(type: NoticeType, data: D) {
  return z.object({
    type: z.literal(type),
    timestamp: z.iso.datetime().describe('When it happened.'),
    data: z.object({ organization_id: z.string(), ...data }),
  });
}

const nothing = z.object({});

/** What is sent, by type; the OpenAPI document's webhooks are made from this. */
export const NOTICE_BODIES = {
  'api_key.created': body('api_key.created', { api_key: NoticedKey, actor: Actor, details: nothing }),
  'api_key.rotated': body('api_key.rotated', {
    api_key: NoticedKey.describe('The key that was replaced; `rotated_to` names the new one.'),
    actor: Actor,
    details: z.object({ grace_seconds: z.int() }),
  }),
  'api_key.revoked': body('api_key.revoked', { api_key: NoticedKey, actor: Actor, details: nothing }),
  'api_key.expiring': body('api_key.expiring', {
    api_key: NoticedKey,
    details: z.object({ days_left: z.int().min(1).max(7) }),
  }),
  'api_key.unused': body('api_key.unused', {
    api_key: NoticedKey,
    details: z.object({ unused_days: z.int(), last_used_at: z.iso.datetime().nullable() }),
  }),
  'api_key.limit_reached': body('api_key.limit_reached', {
    details: z.object({ limit: z.int(), environment: z.enum(ENVIRONMENTS) }),
  }),
  'organization.posture_changed': body('organization.posture_changed', {
    details: z.object({
      from: z.enum(POSTURES),
      to: z.enum(POSTURES),
      cause: z.enum(['billing', 'clock', 'workos', 'configuration']),
      reason: z
        .string()
        .nullable()
        .describe("The reason that billing gave, if it gave one; of the clock, 'trial_ended' or 'grace_ended'."),
    }),
  }),
} as const satisfies Record<NoticeType, z.ZodType>;

/** When each is sent, for the OpenAPI document. */
export const NOTICE_SUMMARIES: Readonly<Record<NoticeType, string>> = {
  'api_key.created': 'A key was made',
  'api_key.rotated': 'A key was replaced by a new one',
  'api_key.revoked': 'A key was revoked',
  'api_key.expiring': 'A key ends in 7 days, or in 1 day',
  'api_key.unused': 'A key was not used for 90 days',
  'api_key.limit_reached': 'A key was not made because the organization has as many as it may',
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
