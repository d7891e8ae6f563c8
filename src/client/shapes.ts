// Requests and answers as JSON: snake_case, times in ISO 8601 and UTC.
import type { ProductCi } from './ci-shapes.ts';
import type { Environment, KeyOwner, Operation, PageQuery, RateLimit, WantedEnvironment } from './key-shapes.ts';

export type * from './key-shapes.ts';
export type * from './record-shapes.ts';
export type * from './session-shapes.ts';

/** The billing state of an organization now. */
export type Posture = 'active' | 'trial' | 'past_due' | 'decommissioning' | 'trial_expired' | 'grace' | 'unknown';
export type BillingStatus = 'active' | 'trial' | 'past_due' | 'decommissioning';

export type VerdictCode =
  | 'valid'
  | 'not_found'
  | 'revoked'
  | 'expired'
  | 'suspended'
  | 'environment_mismatch'
  | 'insufficient_scope'
  | 'ip_not_allowed'
  | 'billing_inactive'
  | 'rate_limited'
  | 'concurrency_limited'
  /** Only in a batch: WorkOS alone knows the key, and is unavailable. */
  | 'workos_unavailable'
  | (string & {});

/** How much of a rate limit is left, and in how many seconds it is reset. */
export type RateLimitState = {
  limit: number;
  window_seconds: number;
  remaining: number;
  reset: number;
  scope: 'key' | 'organization';
};
/** A concurrency slot, which expires at `expires_at`. */
export type Lease = { id: string; expires_at: string };

/** The verdict on a presented key. Fields that describe the key are null when there is none. */
export type Verdict = {
  valid: boolean;
  /** A newer service may have more codes. */
  code: VerdictCode;
  id: string | null;
  organization_id: string | null;
  environment: Environment | null;
  owner: KeyOwner | null;
  label: string | null;
  permission_set: string | null;
  scopes: string[];
  expires_at: string | null;
  /** Whether it is accepted from some addresses only: verify each use with its `ip`. */
  ip_restricted?: boolean;
  /** The rate limit that refused, or that has the least left; null without one. */
  rate_limit: RateLimitState | null;
  /** The concurrency slot of the request; release it when the request ends. */
  lease: Lease | null;
  /** Seconds to wait after a refusal by a limit, or while WorkOS is unavailable. */
  retry_after: number | null;
  /** Whose counters enforced the limits; null without limits. */
  enforcement: 'local' | 'shared' | 'none' | 'unavailable' | null;
  /** The posture of the key's organization, the operations that it allows, and when it changes by the clock. */
  billing: { posture: Posture; allows: Operation[]; changes_at: string | null } | null;
  checked_at: string;
  source: 'cache' | 'mirror' | 'workos' | null;
  /** The age of the answer: milliseconds since the mirror was read. */
  stale_ms: number;
  /** True when the cache answered while the database is unavailable: recent changes may be missing. */
  stale?: boolean;
};
export type VerifyApiKey = {
  /** The presented key. */
  key: string;
  /** The environment whose keys are accepted; `live` by default. */
  environment?: WantedEnvironment | undefined;
  /** The key must have all of these. */
  scopes?: readonly string[] | undefined;
  /** `read` by default. */
  operation?: Operation | undefined;
  /** The client address of the request. */
  ip?: string | undefined;
  user_agent?: string | undefined;
  /** How many requests this counts as; 1 by default, 0 counts nothing. */
  cost?: number | undefined;
  /** False takes no concurrency slot. */
  lease?: boolean | undefined;
};

/** Requests with one key and one outcome that were decided without a call to Latchkey. */
export type ReportedUse = {
  id: string;
  organization_id: string;
  code: VerdictCode;
  count: number;
  last_used_at: string;
  ip?: string | undefined;
  user_agent?: string | undefined;
  /** The scopes that they required, for access reviews. */
  scopes?: readonly string[] | undefined;
};
/** 1 to 1,000 uses. */
export type ReportUsage = { uses: readonly ReportedUse[] };

export type PermissionSet = {
  name: string;
  description: string;
  scopes: string[];
  /** Whether the organization's plan allows new keys with it. */
  allowed: boolean;
};
export type PermissionGroup = {
  group: string;
  description: string | null;
  permissions: {
    name: string;
    description: string;
    /** Scopes that it includes. */
    implies: string[];
    /** Whether a key may hold it. */
    grantable: boolean;
    /** Whether the caller may choose it for a key. */
    /** Entry of the organization's metadata at WorkOS that has to be there before a key gets this scope. */
    requires: string | null;
    choosable: boolean;
  }[];
};

/** Where people sign in, and machines get their tokens. */
export type Meta = {
  version: string;
  workos: { client_id: string; api_url: string; authkit_url: string | null };
  /** What keys look like. Services of before 0.2 have none. */
  key_format?: KeyFormat;
};

/** What keys look like, for those who search for leaked ones. */
export type KeyFormat = {
  /** Prefixes of live and test keys; null where keys have WorkOS's own form, or there are no test keys. */
  live: string | null;
  test: string | null;
  /** Whether the last six characters are a checksum. */
  checksum: boolean;
  /** Length of a whole key; null where it varies. */
  length: number | null;
  /** Prefixes of keys in WorkOS's own form, where these are accepted. */
  bare_prefixes: string[];
};

/** What the product offers for keys. */
export type Product = {
  name: string;
  /** How a live key begins; null for keys in WorkOS's own form. */
  key_prefix: string | null;
  /** The default first. */
  owners: ('organization' | 'user')[];
  /** Active keys of a person, in each organization or in all together; null where people have none. */
  keys_per_user: { limit: number; within: 'organization' | 'everywhere' } | null;
  environments: Environment[];
  permission_sets: boolean;
  chosen_scopes: boolean;
  /** Null means no limit. */
  expiry: { default_days: number | null; max_days: number | null; extendable: boolean };
  rotation: { max_grace_seconds: number; renews_expiry: boolean };
  /** Whether a page may show a new secret again while it has it in memory. */
  show_again: boolean;
  /** How long an `Idempotency-Key` gives the same answer. */
  idempotency_seconds: number;
  /** Null: a session does not end by itself when it is not used. */
  inactivity_minutes: number | null;
  /** Scopes that show webhook deliveries and replay them; null where none are sent. */
  webhook_deliveries: { read_scope: string; replay_scope: string } | null;
  /** How many tasks run at a time, by key or owner; null where there are none. */
  tasks: { max: number; per: 'key' | 'owner'; default_seconds: number; longest_seconds: number } | null;
  /** What CI policies may have; null where CI jobs cannot get keys. */
  ci: ProductCi | null;
  console: {
    section: string;
    create: string;
    /** Environment variable for a key. */
    variable: string;
    /** Header that carries a key: its name, with the scheme before the key, if any. */
    header: string;
    base_url: string | null;
    revoke: 'button' | 'trash';
  };
};

export type Organization = {
  id: string;
  name: string | null;
  posture: Posture;
  /** What its callers may do with keys now. */
  allowed: Operation[];
  billing_status: BillingStatus | null;
  status_since: string | null;
  billing_occurred_at: string | null;
  trial_ends_at: string | null;
  /** When the posture changes by the clock. */
  changes_at: string | null;
  decommission_at: string | null;
  /** The progress of the revocation of all keys; null when none is planned. */
  decommissioning: { at: string; keys_left: number; keys_left_at_workos: number; done_at: string | null } | null;
  plan: string;
  /** Null means no limit. */
  limits: {
    api_keys: number;
    /** Of CI jobs, which `api_keys` does not count. */
    ci_api_keys: number;
    rate_limit: RateLimit | null;
    concurrency: number | null;
    organization_rate_limit: RateLimit | null;
    permission_sets: string[];
    max_expiry_days: number | null;
  };
  usage: { api_keys: number; ci_api_keys: number };
};
/** Addresses and ranges that an organization is accepted from; empty means everywhere. */
export type OrganizationIpAllowList = { ip_allow_list: string[] };
export type SetIpAllowList = { ip_allow_list: readonly string[]; force?: boolean | undefined };
export type OutboundAddress = { address: string; description: string | null };
/** An organization as the product's own services see it. */
export type BilledOrganization = Organization & {
  billing_reason: string | null;
  created_at: string;
  deleted_at: string | null;
};
export type ListOrganizations = PageQuery & {
  posture?: Posture | undefined;
  status?: BillingStatus | undefined;
  plan?: string | undefined;
  /** Organizations in trial whose trial ends, or has ended, before this time. */
  trial_ends_before?: string | undefined;
  /** The id, or a part of the name; case does not matter. */
  q?: string | undefined;
};
export type SetBilling = {
  status: BillingStatus;
  /** Required with `trial`. */
  trial_ends_at?: string | null | undefined;
  /** Unchanged when absent. */
  plan?: string | undefined;
  /** Replaces the plan's limit; null restores it. */
  key_limit?: number | null | undefined;
  /** With `decommissioning`: when all keys will be revoked. */
  decommission_at?: string | null | undefined;
  /** When it happened; now by default. A statement older than the last one changes nothing. */
  occurred_at?: string | undefined;
  reason?: string | undefined;
};
