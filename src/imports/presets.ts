/** What is read of a row. */
export type FieldName =
  | 'id'
  | 'hash'
  | 'secret'
  | 'salt'
  | 'locator'
  | 'organization'
  | 'user'
  | 'label'
  | 'scopes'
  | 'start'
  | 'enabled'
  | 'disabled'
  | 'expires_at'
  | 'created_at'
  | 'credits'
  | 'pending'
  | 'rate_limit'
  | 'rate_limited'
  | 'rate_window_ms';

type Fields = Readonly<Partial<Record<FieldName, readonly string[]>>>;

/** The fields of each system's rows, by its own names. Each can be replaced by the mapping. */
export const PRESETS: Readonly<Record<'own' | 'better-auth' | 'unkey' | 'clerk' | 'zuplo', Fields>> = {
  own: {
    id: ['id'],
    hash: ['hash'],
    salt: ['salt'],
    locator: ['locator'],
    secret: ['secret'],
    organization: ['organization'],
    label: ['label'],
    scopes: ['scopes'],
    start: ['start'],
    enabled: ['enabled'],
    disabled: ['disabled'],
    expires_at: ['expires_at'],
    created_at: ['created_at'],
  },
  // The table `apikey` of the API-key plugin; up to 1.4 its owner was `userId`.
  'better-auth': {
    id: ['id'],
    hash: ['key'],
    secret: ['key'],
    organization: ['referenceId', 'userId'],
    label: ['name'],
    scopes: ['permissions'],
    start: ['start'],
    enabled: ['enabled'],
    expires_at: ['expiresAt'],
    created_at: ['createdAt'],
    credits: ['remaining', 'refillAmount'],
    rate_limited: ['rateLimitEnabled'],
    rate_limit: ['rateLimitMax'],
    rate_window_ms: ['rateLimitTimeWindow'],
  },
  // The table `keys` of its MySQL, with `permissions` joined from `keys_permissions`. Its API gives no hashes.
  unkey: {
    id: ['id'],
    hash: ['hash'],
    organization: ['identity_id', 'owner_id'],
    label: ['name'],
    scopes: ['permissions'],
    start: ['start'],
    enabled: ['enabled'],
    disabled: ['deleted_at_m', 'deleted_at'],
    expires_at: ['expires'],
    created_at: ['created_at_m', 'created_at'],
    credits: ['remaining_requests', 'refill_amount'],
    pending: ['pending_migration_id'],
    rate_limit: ['ratelimit_limit'],
    rate_window_ms: ['ratelimit_duration'],
  },
  // Answers of `GET /api_keys`, with `secret` of `GET /api_keys/{id}/secret`, after `import hash`.
  clerk: {
    id: ['id'],
    hash: ['hash'],
    secret: ['secret'],
    start: ['start'],
    organization: ['subject'],
    label: ['name'],
    scopes: ['scopes'],
    disabled: ['revoked'],
    expires_at: ['expiration'],
    created_at: ['created_at'],
  },
  // Answers that list consumers with their keys, after `import hash`.
  zuplo: {
    id: ['id'],
    hash: ['hash'],
    secret: ['key'],
    start: ['start'],
    organization: ['consumer.name'],
    label: ['description', 'consumer.description', 'consumer.name'],
    scopes: ['consumer.metadata.scopes'],
    expires_at: ['expiresOn'],
    created_at: ['createdOn'],
  },
};
