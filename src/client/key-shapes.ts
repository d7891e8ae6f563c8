// Keys as JSON.

/** At most `limit` requests in a window, which begins with its first request. */
export type RateLimit = { limit: number; window_seconds: number };

/** The kind of a request for billing: `create` adds or changes, `wind_down` revokes, cancels or deletes. */
export type Operation = 'read' | 'create' | 'wind_down';

/** The WorkOS environment of a key. */
export type Environment = 'live' | 'test';
/** The environments whose keys are accepted. */
export type WantedEnvironment = Environment | 'any';
export type KeyOwner = { type: 'organization' | 'user'; id: string };

/** An API key, without its secret. */
export type ApiKey = {
  /** WorkOS's id of the key. */
  id: string;
  label: string;
  /** Obfuscated form of the secret, safe to display. */
  prefix: string;
  /** The permission set that the key was made from; null for a key with its own scopes. */
  permission_set: string | null;
  /** The scopes that the key was made with. */
  scopes: string[];
  /** The scopes that it has now while it is active, with all that they imply. */
  effective_scopes: string[];
  /** Whether its scopes follow changes of its permission set. */
  scopes_follow_set: boolean;
  environment: Environment;
  owner: KeyOwner;
  status: 'active' | 'suspended' | 'expired' | 'revoked';
  description: string | null;
  metadata: Record<string, string>;
  expires_at: string | null;
  /** Days left, rounded up; 0 once it has expired. */
  expires_in_days: number | null;
  /** Addresses and ranges that it is accepted from; empty means everywhere. */
  ip_allow_list: string[];
  /** The key's own limit; null means that of its permission set and plan. */
  rate_limit: RateLimit | null;
  concurrency: number | null;
  origin: 'latchkey' | 'workos' | 'ci' | 'imported';
  rotated_from: string | null;
  rotated_to: string | null;
  /** `name`: of a person whose session was described within a day; else null. */
  created_by: { kind: string; id: string; name: string | null };
  created_at: string;
  updated_at: string;
  revoked_at: string | null;
  /** When and by whom it was suspended; null: it is not. `name` as in `created_by`. */
  suspended_at: string | null;
  suspended_by: { kind: string; id: string; name: string | null } | null;
  suspension_reason: string | null;
  /** When a scanner first reported that it is published; null: none has. */
  leaked_at: string | null;
  /** When a use of the key was last accepted; set in lists and where one key is read or changed. */
  last_used_at: string | null;
};

/** A new key. No other answer has its secret, `value`. */
export type CreatedApiKey = ApiKey & { value: string };

/** What a creation would make. */
export type JudgedApiKey = Pick<ApiKey, 'label' | 'permission_set' | 'scopes' | 'environment' | 'owner' | 'expires_at'>;

/** A page of a list, newest first. Pass `after` for older items, `before` for newer ones; null when there are none. */
export type Page<T> = { data: T[]; list_metadata: { before: string | null; after: string | null } };
export type PageQuery = {
  /** 1 to 100 items; 20 by default. */
  limit?: number | undefined;
  after?: string | undefined;
  before?: string | undefined;
};

/** What can be set on a key at any time. */
type SentSettings = {
  /** Your own data on the key. A change replaces all entries. */
  metadata?: Record<string, string> | undefined;
  /** Up to the plan's maximum. If null or absent, the limits of the permission set and the plan apply. */
  rate_limit?: RateLimit | null | undefined;
  /** Requests in flight at the same time; as above. */
  concurrency?: number | null | undefined;
  /** Up to 100 addresses and CIDR ranges that the key may be used from; from everywhere, if null or empty. */
  ip_allow_list?: readonly string[] | null | undefined;
};

export type CreateApiKey = SentSettings & {
  /** 1 to 100 characters. */
  label: string;
  /** A permission set, or `scopes` that the caller holds: one of the two, as the product is configured. */
  permission_set?: string | undefined;
  scopes?: readonly string[] | undefined;
  /** `user` creates a personal key of the caller, where the product has them. Default: the first configured owner. */
  owner?: KeyOwner['type'] | undefined;
  description?: string | undefined;
  /** Null means never. Without this and `expires_in`: the configured default, bounded by the plan. */
  expires_at?: string | null | undefined;
  /** A duration from now such as `30d` or `1y`, or `never`. */
  expires_in?: string | undefined;
};
export type UpdateApiKey = SentSettings & {
  label?: string | undefined;
  /** An earlier expiry; a later one where the product is configured so. */
  expires_at?: string | null | undefined;
  expires_in?: string | undefined;
  description?: string | null | undefined;
};
export type ListApiKeys = PageQuery & {
  status?: ApiKey['status'] | undefined;
  permission_set?: string | undefined;
  /** Keys of one environment; of both, if absent. */
  environment?: Environment | undefined;
  /** Keys of the organization, of any of its people, or of the caller. */
  owner?: KeyOwner['type'] | 'me' | undefined;
  /** Where they were created; all but those of CI jobs, if absent. */
  origin?: ApiKey['origin'] | undefined;
  /** Keys that expire, or have expired, before this time. */
  expires_before?: string | undefined;
  /** A part of the label, in any case; the last four characters of the secret; or the id. */
  q?: string | undefined;
  /** `-created_at`, newest first, by default. Keys without an expiry are last. */
  sort?: 'created_at' | '-created_at' | 'expires_at' | 'label' | undefined;
  /** Whether `list_metadata` has `total`. */
  count?: boolean | undefined;
};

/** `total`: how many keys the filters find, with `count`; null for an organization of more than 20,000 keys. */
export type KeyPage = Page<ApiKey> & { list_metadata: { total?: number | null } };
