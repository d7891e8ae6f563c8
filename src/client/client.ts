import { makeSend, readBaseUrl } from './send.ts';
import type { CallOptions, ConnectionOptions, CreateOptions, Send, Token } from './send.ts';
import type {
  ApiKey,
  AuditEvent,
  CheckCredential,
  CheckedCredential,
  CreateApiKey,
  CreatedApiKey,
  KeyUsage,
  ListApiKeys,
  ListAuditEvents,
  ListOrganizations,
  Login,
  NewSession,
  BilledOrganization,
  Organization,
  OrganizationIpAllowList,
  OrganizationUsage,
  OutboundAddress,
  Page,
  PermissionGroup,
  PermissionSet,
  RefreshSession,
  ReportUsage,
  Session,
  SetBilling,
  SetIpAllowList,
  UpdateApiKey,
  UsageQuery,
  Verdict,
  VerifyApiKey,
} from './shapes.ts';

export { LatchkeyError } from './latchkey-error.ts';
export type * from './shapes.ts';
export type { CallOptions, ConnectionOptions, CreateOptions, Token } from './send.ts';

export type LatchkeyClient = ReturnType<typeof createLatchkeyClient>;

/**
 * A client of one Latchkey with one credential. What a method may do depends on the credential: service tokens verify
 * and set billing, everything else belongs to an organization. Every method sends one request, takes `signal`, and
 * rejects with a `LatchkeyError`; nothing is repeated.
 * @throws TypeError when `baseUrl` is no http: or https: address
 */
export function createLatchkeyClient(options: ConnectionOptions) {
  const send = makeSend(options);
  const client = {
    keys: keysOf(send),
    ...verifyingOf(send),
    permissionSets: {
      /** The closed list that a key is made from. */
      list: (call?: CallOptions) => send<{ data: PermissionSet[] }>('GET', '/v1/permission-sets', call),
    },
    permissions: {
      /** Every scope, in groups. */
      list: (call?: CallOptions) => send<{ data: PermissionGroup[] }>('GET', '/v1/api-keys/permissions', call),
    },
    organization: {
      /** The caller's organization: posture, plan, limits and use. */
      get: (call?: CallOptions) => send<Organization>('GET', '/v1/organization', call),
      /** How often the organization's keys were used. */
      usage: (query?: UsageQuery, call?: CallOptions) =>
        send<OrganizationUsage>('GET', '/v1/organization/usage', { ...call, query }),
      /** From where the organization's people, machines and keys may be used. */
      ipAllowList: (call?: CallOptions) => send<OrganizationIpAllowList>('GET', ALLOW_LIST, call),
      /** A list without the caller's own address is refused, unless with `force`. */
      setIpAllowList: (list: SetIpAllowList, call?: CallOptions) =>
        send<OrganizationIpAllowList>('PUT', ALLOW_LIST, { ...call, body: list }),
      /** Makes a tenant, or changes its billing; service tokens with `billing:write`. */
      setBilling: (id: string, billing: SetBilling, call?: CallOptions) =>
        send<BilledOrganization>('PUT', `${organization(id)}/billing`, { ...call, body: billing }),
    },
    organizations: {
      /** A page of all organizations, newest first; service tokens with `billing:read` or `billing:write`. */
      list: (query?: ListOrganizations, call?: CallOptions) =>
        send<Page<BilledOrganization>>('GET', '/v1/organizations', { ...call, query }),
      get: (id: string, call?: CallOptions) => send<BilledOrganization>('GET', organization(id), call),
    },
    audit: {
      /** What happened in the organization, newest first; `audit:read`. */
      list: (query?: ListAuditEvents, call?: CallOptions) =>
        send<Page<AuditEvent>>('GET', '/v1/audit-events', { ...call, query }),
    },
    outboundAddresses: {
      /** From where the product calls its customers. */
      list: (call?: CallOptions) => send<{ data: OutboundAddress[] }>('GET', '/v1/outbound-addresses', call),
    },
    auth: authOf(send),
    session: {
      /** Who the credential stands for. */
      get: (call?: CallOptions) => send<Session>('GET', '/v1/me/session', call),
    },
  };
  connections.set(client, { baseUrl: readBaseUrl(options.baseUrl), token: options.token });
  return client;
}

// Not on the client itself: who prints a client must not print its credential.
const connections = new WeakMap<object, { baseUrl: string; token: Token }>();

/** Where a client's Latchkey is, and its credential: what `latchkey/express` listens with. */
export function connectionOf(client: object): { baseUrl: string; token: Token } {
  const connection = connections.get(client);
  if (!connection) throw new TypeError('This is no client of createLatchkeyClient.');
  return connection;
}

const ALLOW_LIST = '/v1/organization/ip-allow-list';
const organization = (id: string) => `/v1/organizations/${encodeURIComponent(id)}`;
const one = (id: string) => `/v1/api-keys/${encodeURIComponent(id)}`;

function keysOf(send: Send) {
  return {
    /** Makes a key. The answer is the only one with its secret, in `value`. */
    create: (key: CreateApiKey, call?: CreateOptions) =>
      send<CreatedApiKey>('POST', '/v1/api-keys', { ...call, body: key }),
    /** A page of the organization's keys, newest first. */
    list: (query?: ListApiKeys, call?: CallOptions) => send<Page<ApiKey>>('GET', '/v1/api-keys', { ...call, query }),
    get: (id: string, call?: CallOptions) => send<ApiKey>('GET', one(id), call),
    /** How often a key was used, and when last. */
    usage: (id: string, query?: UsageQuery, call?: CallOptions) =>
      send<KeyUsage>('GET', `${one(id)}/usage`, { ...call, query }),
    /** Changes label, description or metadata. */
    update: (id: string, change: UpdateApiKey, call?: CallOptions) =>
      send<ApiKey>('PATCH', one(id), { ...call, body: change }),
    /** Ends a key, from the moment of the answer; may be repeated. */
    revoke: (id: string, call?: CallOptions) => send<{ status: 'revoked' }>('DELETE', one(id), call),
    /** Replaces a key by a new one; the old secret goes on for `grace_seconds`, 0 unless said. */
    rotate: (id: string, rotation: { grace_seconds?: number } = {}, call?: CreateOptions) =>
      send<CreatedApiKey>('POST', `${one(id)}/rotate`, { ...call, body: rotation }),
  };
}

/** Signing in and out, where the product's file says so, and checks of the client's own credential. */
function authOf(send: Send) {
  const open = <T>(path: string, body: object, call?: CallOptions) =>
    send<T>('POST', path, { ...call, body, withoutToken: true });
  return {
    /** Rejects with `organization_choice_required`, and `details`, for people of several organizations. */
    login: (proof: Login, call?: CallOptions) => open<NewSession>('/v1/auth/login', proof, call),
    /** Uses the refresh token up. */
    refresh: (renewal: RefreshSession, call?: CallOptions) => open<NewSession>('/v1/auth/refresh', renewal, call),
    /** Ends the session of the client's token. */
    logout: (call?: CallOptions) => send<{ status: 'signed_out' }>('POST', '/v1/auth/logout', call),
    checkApiKey: (check: CheckCredential = {}, call?: CallOptions) =>
      send<CheckedCredential>('POST', '/v1/auth/check-api-key', { ...call, body: check }),
    checkToken: (check: CheckCredential = {}, call?: CallOptions) =>
      send<CheckedCredential>('POST', '/v1/auth/check-token', { ...call, body: check }),
  };
}

function verifyingOf(send: Send) {
  const verify = '/v1/api-keys/verify';
  return {
    /** Whether a key is good, and for what. Resolves for every key: read `valid` and `code`. */
    verify: (key: VerifyApiKey, call?: CallOptions) => send<Verdict>('POST', verify, { ...call, body: key }),
    /** The same for 1 to 100 keys; the verdicts come in their order. */
    verifyMany: async (keys: readonly VerifyApiKey[], call?: CallOptions): Promise<Verdict[]> =>
      (await send<{ data: Verdict[] }>('POST', verify, { ...call, body: { keys } })).data,
    /** Tells of requests that were judged without asking Latchkey; `requireApiKey` does so by itself. */
    reportUsage: (report: ReportUsage, call?: CallOptions) =>
      send<{ accepted: number }>('POST', '/v1/usage', { ...call, body: report }),
    /** Gives back the place of a verdict's `lease`; one that has ended already is no error. */
    releaseLease: (id: string, call?: CallOptions) =>
      send<{ status: 'released' }>('POST', `/v1/leases/${encodeURIComponent(id)}/release`, call),
  };
}
