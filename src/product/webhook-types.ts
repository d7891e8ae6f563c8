/** Every type of outgoing webhook. The list is closed, so receivers may switch on it. */
export const WEBHOOK_TYPES = [
  'api_key.created',
  'api_key.rotated',
  'api_key.revoked',
  'api_key.leaked',
  'api_key.suspended',
  'api_key.resumed',
  'api_key.expiring',
  'api_key.unused',
  'api_key.limit_reached',
  'organization.posture_changed',
  'access_review.ready',
] as const;
export type WebhookType = (typeof WEBHOOK_TYPES)[number];

/** The name of WorkOS Audit Logs as an endpoint beside those of the product file. It receives only audit events. */
export const WORKOS_ENDPOINT = 'workos';
