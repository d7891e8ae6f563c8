/** Everything that is told to others. Closed: receivers may switch on it. */
export const NOTICE_TYPES = [
  'api_key.created',
  'api_key.rotated',
  'api_key.revoked',
  'api_key.expiring',
  'api_key.unused',
  'api_key.limit_reached',
  'organization.posture_changed',
] as const;
export type NoticeType = (typeof NOTICE_TYPES)[number];

/** WorkOS Audit Logs, as an endpoint beside those of the configuration: it is told of audit events and nothing else. */
export const WORKOS_ENDPOINT = 'workos';
