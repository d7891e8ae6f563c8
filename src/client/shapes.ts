// What Latchkey answers and takes, as it goes over the wire: snake_case, times in ISO 8601 and UTC.

/** What billing allows an organization now; only `active` and `trial` may add. */
export type Posture = 'active' | 'trial' | 'past_due' | 'decommissioning' | 'trial_expired' | 'unknown';
export type BillingStatus = 'active' | 'trial' | 'past_due' | 'decommissioning';

/** What a request does, as billing sees it: `create` adds or amends and needs an active posture, the others never do. */
export type Operation = 'read' | 'create' | 'wind_down';

/** An API key, without its secret. */
export type ApiKey = {
  /** WorkOS's id of the key. */
  id: string;
  label: string;
  /** Obfuscated form of the secret, safe to display. */
  prefix: string;
  /** The template that the key was made from; null for a key made at WorkOS with scopes of its own. */
  permission_set: string | null;
  scopes: string[];
  status: 'active' | 'expired' | 'revoked';
  description: string | null;
  metadata: Record<string, string>;
  expires_at: string | null;
  origin: 'latchkey' | 'workos';
  rotated_from: string | null;
  rotated_to: string | null;
  created_by: { kind: string; id: string };
  created_at: string;
  updated_at: string;
  revoked_at: string | null;
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

export type CreateApiKey = {
  /** 1 to 100 characters. */
  label: string;
  permission_set: string;
  description?: string | undefined;
  metadata?: Record<string, string> | undefined;
  /** Never, if absent or null. */
  expires_at?: string | null | undefined;
};
export type UpdateApiKey = {
  label?: string | undefined;
  description?: string | null | undefined;
  /** Replaces what is there. */
  metadata?: Record<string, string> | undefined;
};
export type ListApiKeys = PageQuery & {
  status?: ApiKey['status'] | undefined;
  permission_set?: string | undefined;
  /** Part of the label, in any case. */
  q?: string | undefined;
};

export type VerdictCode =
  | 'valid'
  | 'not_found'
  | 'revoked'
  | 'expired'
  | 'insufficient_scope'
  | 'billing_inactive'
  | (string & {});

/** What Latchkey says of a presented key. All that tells of the key is null where there is none. */
export type Verdict = {
  valid: boolean;
  /** A service newer than this client may say more. */
  code: VerdictCode;
  id: string | null;
  organization_id: string | null;
  owner: { type: 'organization'; id: string } | null;
  label: string | null;
  permission_set: string | null;
  scopes: string[];
  expires_at: string | null;
  billing: { posture: Posture } | null;
  checked_at: string;
  source: 'cache' | 'mirror' | 'workos' | null;
  /** Milliseconds since the mirror was read. */
  stale_ms: number;
};
export type VerifyApiKey = {
  /** The key as it was presented. */
  key: string;
  /** All of these are needed. */
  scopes?: readonly string[] | undefined;
  /** `read` unless said. */
  operation?: Operation | undefined;
};

export type PermissionSet = { name: string; description: string; scopes: string[] };
export type PermissionGroup = {
  group: string;
  description: string | null;
  permissions: { name: string; description: string; grantable: boolean }[];
};

export type Organization = {
  id: string;
  posture: Posture;
  billing_status: BillingStatus | null;
  trial_ends_at: string | null;
  plan: string;
  limits: { api_keys: number };
  usage: { api_keys: number };
};
export type SetBilling = {
  status: BillingStatus;
  /** Needed with `trial`. */
  trial_ends_at?: string | null | undefined;
  /** Stays as it was when not given. */
  plan?: string | undefined;
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
      memberships: {
        organization_id: string;
        organization_name: string;
        role: string;
        billing: { status: string | null; posture: string };
      }[];
    }
  | {
      kind: 'api_key';
      user_id: string;
      api_key_id: string;
      api_key_label: string;
      api_key_permission_set: string | null;
    }
  | { kind: 'machine'; client_id: string }
);
