// What Latchkey answers and takes, as it goes over the wire: snake_case, times in ISO 8601 and UTC.
import type { Environment, KeyOwner, PageQuery, RateLimit, WantedEnvironment } from './key-shapes.ts';

export type * from './key-shapes.ts';

/** What billing says of an organization now. */
export type Posture = 'active' | 'trial' | 'past_due' | 'decommissioning' | 'trial_expired' | 'grace' | 'unknown';
export type BillingStatus = 'active' | 'trial' | 'past_due' | 'decommissioning';

/** What a request does, as billing sees it: `create` adds or amends, `wind_down` revokes, cancels, deletes. */
export type Operation = 'read' | 'create' | 'wind_down';

export type VerdictCode =
  | 'valid'
  | 'not_found'
  | 'revoked'
  | 'expired'
  | 'environment_mismatch'
  | 'insufficient_scope'
  | 'ip_not_allowed'
  | 'billing_inactive'
  | 'rate_limited'
  | 'concurrency_limited'
  /** Of one key of many: WorkOS would have to say, and cannot be asked now. */
  | 'workos_unavailable'
  | (string & {});

/** How much of a rate is left, and in how many seconds all of it is again. */
export type RateLimitState = {
  limit: number;
  window_seconds: number;
  remaining: number;
  reset: number;
  scope: 'key' | 'organization';
};
/** Ends by itself at `expires_at`. */
export type Lease = { id: string; expires_at: string };

/** What Latchkey says of a presented key. All that tells of the key is null where there is none. */
export type Verdict = {
  valid: boolean;
  /** A service newer than this client may say more. */
  code: VerdictCode;
  id: string | null;
  organization_id: string | null;
  environment: Environment | null;
  owner: KeyOwner | null;
  label: string | null;
  permission_set: string | null;
  scopes: string[];
  expires_at: string | null;
  /** Whether it is good from some addresses only: each use is to be asked about with its `ip`. */
  ip_restricted?: boolean;
  /** The rate that refused, or that has the least left; null where none is limited. */
  rate_limit: RateLimitState | null;
  /** A place among the key's concurrent requests, to be released when the request ends. */
  lease: Lease | null;
  /** Seconds to wait, of a key that a limit refused, or that WorkOS could not be asked about. */
  retry_after: number | null;
  /** By whose count limits were judged; null where nothing is limited. */
  enforcement: 'local' | 'shared' | 'none' | 'unavailable' | null;
  /** The posture of the key's organization, for which operations its keys verify, and when it ends by the clock. */
  billing: { posture: Posture; allows: Operation[]; changes_at: string | null } | null;
  checked_at: string;
  source: 'cache' | 'mirror' | 'workos' | null;
  /** Milliseconds since the mirror was read. */
  stale_ms: number;
  /** Whether memory answered although the database cannot be asked: what changed since may be missing. */
  stale?: boolean;
};
export type VerifyApiKey = {
  /** The key as it was presented. */
  key: string;
  /** Keys of which environment are good; `live` unless said. */
  environment?: WantedEnvironment | undefined;
  /** All of these are needed. */
  scopes?: readonly string[] | undefined;
  /** `read` unless said. */
  operation?: Operation | undefined;
  /** Where the request came from that the key came with. */
  ip?: string | undefined;
  user_agent?: string | undefined;
  /** How many requests this counts as; 1 unless said, 0 looks and counts nothing. */
  cost?: number | undefined;
  /** False: a valid key takes no place where requests at a time are limited. */
  lease?: boolean | undefined;
};

/** Requests with one key and the same outcome, that were judged without asking Latchkey. */
export type ReportedUse = {
  id: string;
  organization_id: string;
  code: VerdictCode;
  count: number;
  last_used_at: string;
  ip?: string | undefined;
  user_agent?: string | undefined;
};
/** 1 to 1,000 uses. */
export type ReportUsage = { uses: readonly ReportedUse[] };

/** How often each outcome came about; those that did not are left out. */
export type UsageCounts = { total: number; codes: Record<string, number> };
/** Every hour or day of a range in UTC, first to last, also those without a use. */
export type Usage = UsageCounts & {
  from: string;
  to: string;
  interval: 'hour' | 'day';
  data: (UsageCounts & { start: string })[];
};
export type KeyUsage = Usage & {
  last_used_at: string | null;
  last_used_ip: string | null;
  /** What kind of client, such as `curl` or `Chrome`. */
  last_used_agent: string | null;
};
export type OrganizationUsage = Usage & {
  /** The 10 keys with the most uses, the busiest first. */
  keys: { id: string; total: number; last_used_at: string | null }[];
};
export type UsageQuery = {
  /** 24 hours before `to` by hour, and 30 days by day, unless said; at most 31 days by hour, 400 days by day. */
  from?: string | undefined;
  /** Now, unless said. */
  to?: string | undefined;
  /** `hour` unless said. */
  interval?: 'hour' | 'day' | undefined;
};

export type PermissionSet = {
  name: string;
  description: string;
  scopes: string[];
  /** Whether the organization's plan lets new keys be made from it. */
  allowed: boolean;
};
export type PermissionGroup = {
  group: string;
  description: string | null;
  permissions: {
    name: string;
    description: string;
    /** Whoever holds it holds these, too. */
    implies: string[];
    /** Whether a key may hold it at all. */
    grantable: boolean;
    /** Whether the caller may choose it for a key. */
    choosable: boolean;
  }[];
};

export type Organization = {
  id: string;
  name: string | null;
  posture: Posture;
  billing_status: BillingStatus | null;
  status_since: string | null;
  billing_occurred_at: string | null;
  trial_ends_at: string | null;
  /** When the posture ends by the clock. */
  changes_at: string | null;
  decommission_at: string | null;
  /** How far the revocation of all keys has come; null when none is planned. */
  decommissioning: { at: string; keys_left: number; keys_left_at_workos: number; done_at: string | null } | null;
  plan: string;
  /** Null: no limit. */
  limits: {
    api_keys: number;
    rate_limit: RateLimit | null;
    concurrency: number | null;
    organization_rate_limit: RateLimit | null;
    permission_sets: string[];
    max_expiry_days: number | null;
  };
  usage: { api_keys: number };
};
/** Addresses and ranges from which an organization may be used; empty: from everywhere. */
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
  /** Those in trial whose trial ends before this, or has ended. */
  trial_ends_before?: string | undefined;
  /** Part of the name, in any case, or the id. */
  q?: string | undefined;
};
export type SetBilling = {
  status: BillingStatus;
  /** Needed with `trial`. */
  trial_ends_at?: string | null | undefined;
  /** Stays as it was when not given. */
  plan?: string | undefined;
  /** Instead of the plan's; null: the plan's again. */
  key_limit?: number | null | undefined;
  /** With `decommissioning`: when all keys are revoked. */
  decommission_at?: string | null | undefined;
  /** When it happened; now, if not given. What happened earlier than what was said before changes nothing. */
  occurred_at?: string | undefined;
  reason?: string | undefined;
};

export type AuditEvent = {
  id: string;
  sequence: number;
  occurred_at: string;
  action: string;
  actor: { kind: string; id: string };
  target: { kind: string; id: string };
  request_id: string | null;
  ip: string | null;
  details: Record<string, unknown>;
};
export type ListAuditEvents = PageQuery & {
  action?: string | undefined;
  target_id?: string | undefined;
  actor_id?: string | undefined;
};

/** Who a credential stands for. */
export type Session = { organization_id: string; permissions: string[] } & (
  | {
      kind: 'user';
      user_id: string;
      email: string;
      role: string | null;
      /** Who acts as this person through WorkOS, if somebody does. */
      impersonator?: { id: string };
      memberships: {
        organization_id: string;
        /** Null where WorkOS does not name it. */
        organization_name: string | null;
        role: string | null;
        billing: { status: string | null; posture: string };
      }[];
    }
  | {
      kind: 'api_key';
      /** Whose key it is, if a person's; else a fixed one. */
      user_id: string;
      api_key_id: string;
      api_key_label: string;
      api_key_permission_set: string | null;
    }
  | { kind: 'machine'; client_id: string }
);

export type Login =
  | { email: string; password: string; organization_id?: string | undefined }
  /** With the token of an `organization_choice_required`. */
  | { pending_authentication_token: string; organization_id: string };
export type RefreshSession = { refresh_token: string; organization_id?: string | undefined };
export type NewSession = {
  access_token: string;
  refresh_token: string;
  expires_at: string;
  user: { id: string; email: string };
  organization_id: string;
};
/** All of the scopes are needed. */
export type CheckCredential = { scopes?: readonly string[] | undefined };
export type CheckedCredential = { valid: true; organization_id: string };
