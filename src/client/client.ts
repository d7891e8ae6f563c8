import { keyMethods } from './key-methods.ts';
import { makeSend, readBaseUrl } from './send.ts';
import type { CallOptions, ConnectionOptions, CreateOptions, Send, TextOptions, Token } from './send.ts';
import { authOf } from './auth-calls.ts';
import { ciOf } from './ci-calls.ts';
import { staffOf } from './staff-calls.ts';
import { tasksOf } from './task-calls.ts';
import type {
  AccessReview,
  AuditEvent,
  AuditFilters,
  ListAuditEvents,
  ListOrganizations,
  ListReview,
  ListWebhookDeliveries,
  Meta,
  BilledOrganization,
  OrganizationIpAllowList,
  OrganizationUsage,
  OutboundAddress,
  Page,
  ReportUsage,
  ReviewFilters,
  SetBilling,
  SetIpAllowList,
  UsageQuery,
  Verdict,
  VerifyApiKey,
  WebhookDelivery,
  WebhookDeliveryDetails,
} from './shapes.ts';

export { LatchkeyError } from './latchkey-error.ts';
export type * from './ci-shapes.ts';
export type * from './shapes.ts';
export type { CallOptions, ConnectionOptions, CreateOptions, TextOptions, Token } from './send.ts';

export type LatchkeyClient = ReturnType<typeof createLatchkeyClient>;

/**
 * Creates a client for one Latchkey with one credential. The credential decides what a method may do: service tokens
 * verify keys and set billing, all others act for one organization. Every method sends one request, takes `signal`, and
 * rejects with a `LatchkeyError`. Nothing is retried.
 * @throws TypeError when `baseUrl` is no http: or https: URL
 */
export function createLatchkeyClient(options: ConnectionOptions) {
  const send = makeSend(options);
  const keys = keyMethods(send);
  const client = {
    ...keys,
    ...verifyingOf(send),
    meta: {
      /** Returns where to sign in, and what keys look like. Needs no credential. */
      get: (call?: CallOptions) => send<Meta>('GET', '/v1/meta', { ...call, withoutToken: true }),
    },
    organization: {
      ...keys.organization,
      /** Returns how often the organization's keys were used. */
      usage: (query?: UsageQuery, call?: CallOptions) =>
        send<OrganizationUsage>('GET', '/v1/organization/usage', { ...call, query }),
      /** Returns the addresses from which the organization's people, machines and keys are accepted. */
      ipAllowList: (call?: CallOptions) => send<OrganizationIpAllowList>('GET', ALLOW_LIST, call),
      /** Replaces the list. One without the caller's own address is rejected unless `force` is set. */
      setIpAllowList: (list: SetIpAllowList, call?: CallOptions) =>
        send<OrganizationIpAllowList>('PUT', ALLOW_LIST, { ...call, body: list }),
      /** Creates a tenant, or changes its billing. Needs a service token with `billing:write`. */
      setBilling: (id: string, billing: SetBilling, call?: CallOptions) =>
        send<BilledOrganization>('PUT', `${organization(id)}/billing`, { ...call, body: billing }),
    },
    organizations: {
      /** Lists all organizations, newest first. Needs a service token with `billing:read` or `billing:write`. */
      list: (query?: ListOrganizations, call?: CallOptions) =>
        send<Page<BilledOrganization>>('GET', '/v1/organizations', { ...call, query }),
      get: (id: string, call?: CallOptions) => send<BilledOrganization>('GET', organization(id), call),
    },
    accessReview: {
      /** Lists active keys that are unused, never expire, grant too much, or whose creator has left, newest first. */
      list: (query?: ListReview, call?: CallOptions) =>
        send<AccessReview>('GET', '/v1/access-review', { ...call, query }),
      /** Returns the same keys as CSV. */
      exportCsv: (query?: ReviewFilters, call?: TextOptions) =>
        send<string>('GET', '/v1/access-review/export', { ...call, query, isText: true }),
    },
    audit: auditOf(send),
    webhookDeliveries: deliveriesOf(send),
    ci: ciOf(send),
    staff: staffOf(send),
    tasks: tasksOf(send),
    outboundAddresses: {
      /** Lists the addresses that the product calls its customers from. */
      list: (call?: CallOptions) => send<{ data: OutboundAddress[] }>('GET', '/v1/outbound-addresses', call),
    },
    auth: authOf(send),
  };
  if (options.token !== null) connections.set(client, { baseUrl: readBaseUrl(options.baseUrl), token: options.token });
  return client;
}

// Kept outside the client, so that printing a client shows no credential.
const connections = new WeakMap<object, { baseUrl: string; token: Token }>();

/** Returns a client's base URL and credential, which `latchkey/express` opens its stream with. */
export function connectionOf(client: object): { baseUrl: string; token: Token } {
  const connection = connections.get(client);
  if (!connection) throw new TypeError('This is not a client of createLatchkeyClient with a token.');
  return connection;
}

const ALLOW_LIST = '/v1/organization/ip-allow-list';
const organization = (id: string) => `/v1/organizations/${encodeURIComponent(id)}`;

function auditOf(send: Send) {
  return {
    /** Lists the organization's audit events, newest first. Needs `audit:read`. */
    list: (query?: ListAuditEvents, call?: CallOptions) =>
      send<Page<AuditEvent>>('GET', '/v1/audit-events', { ...call, query }),
    /** Returns the events as CSV, newest first. Needs `audit:read`, and a longer `timeoutMs` for a long log. */
    exportCsv: (query?: AuditFilters, call?: TextOptions) =>
      send<string>('GET', '/v1/audit-events/export', { ...call, query, isText: true }),
  };
}

function deliveriesOf(send: Send) {
  const path = '/v1/webhook-deliveries';
  const one = (id: string) => `${path}/${encodeURIComponent(id)}`;
  return {
    /** Lists the webhooks that are sent about the organization, newest first. Needs `audit:read`, unless configured otherwise. */
    list: (query?: ListWebhookDeliveries, call?: CallOptions) =>
      send<Page<WebhookDelivery>>('GET', path, { ...call, query }),
    /** Returns a delivery with its last attempts. */
    get: (id: string, call?: CallOptions) => send<WebhookDeliveryDetails>('GET', one(id), call),
    /** Has a delivery that has ended delivered again. Needs `apikeys:write`, unless configured otherwise. */
    replay: (id: string, call?: CreateOptions) => send<WebhookDelivery>('POST', `${one(id)}/replay`, call),
    /** The same of any organization. Needs a service token with `webhooks:read`, and `webhooks:write` to replay. */
    of(organizationId: string) {
      const deliveries = `${organization(organizationId)}/webhook-deliveries`;
      const delivery = (id: string) => `${deliveries}/${encodeURIComponent(id)}`;
      return {
        list: (query?: ListWebhookDeliveries, call?: CallOptions) =>
          send<Page<WebhookDelivery>>('GET', deliveries, { ...call, query }),
        get: (id: string, call?: CallOptions) => send<WebhookDeliveryDetails>('GET', delivery(id), call),
        replay: (id: string, call?: CallOptions) => send<WebhookDelivery>('POST', `${delivery(id)}/replay`, call),
      };
    },
  };
}

function verifyingOf(send: Send) {
  const verify = '/v1/api-keys/verify';
  return {
    /** Verifies a key. Resolves for every key: read `valid` and `code`. */
    verify: (key: VerifyApiKey, call?: CallOptions) => send<Verdict>('POST', verify, { ...call, body: key }),
    /** Verifies 1 to 100 keys; the verdicts are in the same order. */
    verifyMany: async (keys: readonly VerifyApiKey[], call?: CallOptions): Promise<Verdict[]> =>
      (await send<{ data: Verdict[] }>('POST', verify, { ...call, body: { keys } })).data,
    /** Reports requests that were decided without a call to Latchkey. `requireApiKey` does so by itself. */
    reportUsage: (report: ReportUsage, call?: CallOptions) =>
      send<{ accepted: number }>('POST', '/v1/usage', { ...call, body: report }),
    /** Releases a verdict's `lease`. Succeeds also for one that has expired. */
    releaseLease: (id: string, call?: CallOptions) =>
      send<{ status: 'released' }>('POST', `/v1/leases/${encodeURIComponent(id)}/release`, call),
  };
}
