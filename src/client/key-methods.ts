import type { CallOptions, CreateOptions, Send } from './send.ts';
import type {
  ApiKey,
  CreateApiKey,
  CreatedApiKey,
  JudgedApiKey,
  KeyPage,
  KeyUsage,
  KeysUsage,
  ListApiKeys,
  Organization,
  PermissionGroup,
  PermissionSet,
  Product,
  Session,
  UpdateApiKey,
  UsageQuery,
} from './shapes.ts';

export type KeyMethods = ReturnType<typeof keyMethods>;

const one = (id: string) => `/v1/api-keys/${encodeURIComponent(id)}`;

/** What the screens of keys ask for. The element is built with these methods alone. */
export function keyMethods(send: Send) {
  return {
    keys: keysOf(send),
    permissionSets: {
      /** Lists the permission sets that a key can be made from. */
      list: (call?: CallOptions) => send<{ data: PermissionSet[] }>('GET', '/v1/permission-sets', call),
    },
    permissions: {
      /** Lists every scope, in groups. */
      list: (call?: CallOptions) => send<{ data: PermissionGroup[] }>('GET', '/v1/api-keys/permissions', call),
    },
    product: {
      /** Returns what the product offers for keys, and the console's words. */
      get: (call?: CallOptions) => send<Product>('GET', '/v1/product', call),
    },
    organization: {
      /** Returns the caller's organization: posture, plan, limits and usage. */
      get: (call?: CallOptions) => send<Organization>('GET', '/v1/organization', call),
    },
    session: {
      /** Returns the identity of the credential. */
      get: (call?: CallOptions) => send<Session>('GET', '/v1/me/session', call),
    },
  };
}

function keysOf(send: Send) {
  return {
    /** Creates a key. Only this answer has its secret, in `value`. */
    create: (key: CreateApiKey, call?: CreateOptions) =>
      send<CreatedApiKey>('POST', '/v1/api-keys', { ...call, body: key }),
    /** Judges a creation by the same rules, and creates nothing. */
    dryRun: (key: CreateApiKey, call?: CallOptions) =>
      send<JudgedApiKey>('POST', '/v1/api-keys/dry-run', { ...call, body: key }),
    /** Lists the organization's keys, newest first unless sorted. */
    list: (query?: ListApiKeys, call?: CallOptions) => send<KeyPage>('GET', '/v1/api-keys', { ...call, query }),
    get: (id: string, call?: CallOptions) => send<ApiKey>('GET', one(id), call),
    /** Returns how often a key was used, and when last. */
    usage: (id: string, query?: UsageQuery, call?: CallOptions) =>
      send<KeyUsage>('GET', `${one(id)}/usage`, { ...call, query }),
    /** Returns how often each of 1 to 100 keys was used. */
    usageOfMany: (ids: readonly string[], query?: UsageQuery, call?: CallOptions) =>
      send<KeysUsage>('GET', '/v1/api-keys/usage', { ...call, query: { ...query, ids: ids.join(',') } }),
    /** Changes label, expiry, description, metadata, limits or addresses. */
    update: (id: string, change: UpdateApiKey, call?: CallOptions) =>
      send<ApiKey>('PATCH', one(id), { ...call, body: change }),
    /** Suspends a key: it is refused from the moment of the answer until it is resumed. Idempotent. */
    suspend: (id: string, suspension: { reason?: string } = {}, call?: CallOptions) =>
      send<ApiKey>('POST', `${one(id)}/suspend`, { ...call, body: suspension }),
    /** Ends the suspension of a key: it works again, with the same secret. Idempotent. */
    resume: (id: string, call?: CallOptions) => send<ApiKey>('POST', `${one(id)}/resume`, call),
    /** Revokes a key; it is refused from the moment of the answer. Idempotent. */
    revoke: (id: string, call?: CallOptions) => send<{ status: 'revoked' }>('DELETE', one(id), call),
    /** Replaces a key with a new one. The old secret works for `grace_seconds` more; 0 by default. */
    rotate: (id: string, rotation: { grace_seconds?: number } = {}, call?: CreateOptions) =>
      send<CreatedApiKey>('POST', `${one(id)}/rotate`, { ...call, body: rotation }),
  };
}
