// Keys, as they go over the wire.

/** At most `limit` requests in a window, which begins with the first request in it. */
export type RateLimit = { limit: number; window_seconds: number };

/** Which environment of WorkOS a key is of. */
export type Environment = 'live' | 'test';
/** Keys of which environment are wanted. */
export type WantedEnvironment = Environment | 'any';
export type KeyOwner = { type: 'organization' | 'user'; id: string };

/** An API key, without its secret. */
export type ApiKey = {
  /** WorkOS's id of the key. */
  id: string;
  label: string;
  /** Obfuscated form of the secret, safe to display. */
  prefix: string;
  /** The template that the key was made from; null for a key with scopes of its own. */
  permission_set: string | null;
  /** What the key was made with. */
  scopes: string[];
  /** What it may be used for now with all that its scopes imply, while it is active. */
  effective_scopes: string[];
  /** Whether it gets what its set says now, instead of what it was made with. */
  scopes_follow_set: boolean;
  environment: Environment;
  owner: KeyOwner;
  status: 'active' | 'expired' | 'revoked';
  description: string | null;
  metadata: Record<string, string>;
  expires_at: string | null;
  /** Whole days that are left, rounded up; 0 once it has expired. */
  expires_in_days: number | null;
  /** Addresses and ranges it may be used from; empty: from everywhere. */
  ip_allow_list: string[];
  /** The key's own limits; null: what its template and the plan say. */
  rate_limit: RateLimit | null;
  concurrency: number | null;
  origin: 'latchkey' | 'workos';
  rotated_from: string | null;
  rotated_to: string | null;
  created_by: { kind: string; id: string };
  created_at: string;
  updated_at: string;
  revoked_at: string | null;
  /** When the key was last good for what it was used for; in lists, and where one key is read or changed. */
  last_used_at: string | null;
};

/** A new key. `value` is its secret, which no other answer has. */
export type CreatedApiKey = ApiKey & { value: string };

/** A page of a list, newest first. Give `after` for older items, `before` for newer ones; null when there are none. */
export type Page<T> = { data: T[]; list_metadata: { before: string | null; after: string | null } };
export type PageQuery = {
  /** 1 to 100 items; 20 unless said. */
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
  /** What it is made from: a set, or scopes that the caller holds; one of the two, as the product is configured. */
  permission_set?: string | undefined;
  scopes?: readonly string[] | undefined;
  /** `user`: the caller's own, where the product has such keys; the first that is configured unless said. */
  owner?: KeyOwner['type'] | undefined;
  description?: string | undefined;
  /** Null: never. If neither this nor `expires_in` is given, what is configured and the plan allows. */
  expires_at?: string | null | undefined;
  /** Counted from now: `30d`, `1y`, `never`. */
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
  /** Of the organization, of any of its people, or the caller's own. */
  owner?: KeyOwner['type'] | 'me' | undefined;
  /** Those that end, or have ended, before this. */
  expires_before?: string | undefined;
  /** Part of the label, in any case. */
  q?: string | undefined;
};
