// Usage, access reviews, audit events, webhook deliveries and tasks as JSON.
import type { ApiKey, Page, PageQuery } from './key-shapes.ts';

/** Counts per outcome; outcomes without a request are left out. */
export type UsageCounts = { total: number; codes: Record<string, number> };
/** Counts for every hour or day of a range in UTC, oldest first, including those without a use. */
export type Usage = UsageCounts & {
  from: string;
  to: string;
  interval: 'hour' | 'day';
  data: (UsageCounts & { start: string })[];
};
export type KeyUsage = Usage & {
  last_used_at: string | null;
  last_used_ip: string | null;
  /** The kind of client, such as `curl` or `Chrome`. */
  last_used_agent: string | null;
};
/** Usage of several keys; those that the caller cannot read are left out. */
export type KeysUsage = Pick<Usage, 'from' | 'to' | 'interval'> & {
  data: (UsageCounts & { id: string; data: { start: string; total: number }[] })[];
};
export type OrganizationUsage = Usage & {
  /** The 10 most used keys, the busiest first. */
  keys: { id: string; total: number; last_used_at: string | null }[];
};
export type UsageQuery = {
  /** Default: 24 hours before `to` by hour, 30 days by day. At most 31 days by hour, 400 days by day. */
  from?: string | undefined;
  /** Default: now. */
  to?: string | undefined;
  /** `hour` by default. */
  interval?: 'hour' | 'day' | undefined;
};

export type ReviewFinding = 'unused' | 'creator_left' | 'never_expires' | 'unused_scopes';
export type ReviewedApiKey = Pick<
  ApiKey,
  | 'id'
  | 'label'
  | 'prefix'
  | 'permission_set'
  | 'scopes'
  | 'environment'
  | 'owner'
  | 'status'
  | 'created_by'
  | 'created_at'
  | 'expires_at'
> & {
  last_used_at: string | null;
  findings: ReviewFinding[];
  /** Scopes that valid uses of the last 90 days required; null where none named a scope. */
  used_scopes: string[] | null;
  /** Granted scopes that none of these uses required; empty where that is not known. */
  unused_scopes: string[];
};
export type AccessReview = Page<ReviewedApiKey> & {
  unused_since: string;
  scopes_recorded_since: string;
  unknown_creators: number;
};
/** One or more findings; keys with any, if not given. */
export type ReviewFilters = { finding?: ReviewFinding | readonly ReviewFinding[] | undefined };
export type ListReview = PageQuery & ReviewFilters;

export type AuditEvent = {
  id: string;
  sequence: number;
  occurred_at: string;
  action: string;
  /** `name`: of a person; null where it is not remembered, and there within seconds. */
  actor: { kind: string; id: string; name: string | null };
  target: { kind: string; id: string };
  request_id: string | null;
  ip: string | null;
  details: Record<string, unknown>;
};
export type AuditFilters = {
  /** Any of these actions. */
  action?: string | readonly string[] | undefined;
  target_id?: string | undefined;
  actor_id?: string | undefined;
  /** Events at this time or later. */
  from?: string | undefined;
  /** Events before this time. */
  to?: string | undefined;
};
/** `pending`: no attempt yet; `retrying`: the last attempt failed, another follows; `failed`: given up. */
export type DeliveryStatus = 'pending' | 'retrying' | 'delivered' | 'failed';
/** A newer service may have more. */
export type DeliveryError = 'http_error' | 'timeout' | 'connection_failed' | 'endpoint_removed' | (string & {});
/** A webhook on its way to one endpoint of the product. */
export type WebhookDelivery = {
  /** Also the `webhook-id` that the endpoint receives. */
  id: string;
  type: string;
  /** `origin`: scheme, host and port; null where the endpoint is no longer configured. */
  endpoint: { name: string; origin: string | null };
  status: DeliveryStatus;
  /** Since it was written, or replayed. */
  attempts: number;
  created_at: string;
  /** When it was delivered or given up. */
  ended_at: string | null;
  next_attempt_at: string | null;
  last_response_status: number | null;
  last_error: DeliveryError | null;
};
export type WebhookDeliveryDetails = WebhookDelivery & {
  /** Newest first. */
  recent_attempts: { at: string; response_status: number | null; error: DeliveryError | null }[];
};
export type ListWebhookDeliveries = PageQuery & {
  status?: DeliveryStatus | undefined;
  type?: string | undefined;
  /** Deliveries written at this time or later. */
  from?: string | undefined;
  /** Deliveries written before this time. */
  to?: string | undefined;
};
export type ListAuditEvents = PageQuery & AuditFilters;

/** The key that tasks belong to: `organization_id` and `id` of its verdict. */
export type TaskKey = { organization_id: string; api_key_id: string };
export type NamedTask = TaskKey & { name: string };
/** `ttl_seconds`: how long it lasts; what the product file says, if not given. */
export type TakeTask = NamedTask & { ttl_seconds?: number | undefined };

/** A named lease, which ends when it is released, at `expires_at`, or with its key. */
export type Task = { name: string; api_key_id: string; taken_at: string; expires_at: string };
