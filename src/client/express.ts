import type { Request, RequestHandler } from 'express';
import type { CacheOptions, RouteOptions, VerifiedKey } from './guard/guard-shapes.ts';
import { createLatchkeyClient } from './client.ts';
import type { LatchkeyClient } from './client.ts';
import { guardRequests } from './guard/guard-requests.ts';
import { makeKeyGuard } from './guard/key-guard.ts';
import type { ConnectionOptions } from './send.ts';
import { makeUsageReport } from './guard/usage-report.ts';

export type { CacheOptions, RouteOptions, VerifiedKey } from './guard/guard-shapes.ts';

declare global {
  namespace Express {
    interface Request {
      /** The verified key of the request; set by `requireApiKey` of `latchkey/express`. */
      apiKey?: VerifiedKey;
      /** The person whose session the request has; set by `requireApiKey` with `sessions`. */
      person?: VerifiedPerson;
    }
  }
}

/** A person with a session. */
export type VerifiedPerson = {
  readonly organizationId: string;
  readonly userId: string;
  readonly scopes: readonly string[];
};

/** A Latchkey and the cache of its answers, shared by all routes of a process. */
export type GuardOptions = ({ client: LatchkeyClient } | ConnectionOptions) & {
  cache?: CacheOptions | undefined;
  /** Called with true when the stream of changes opens, and with false when it is lost and the cache is not trusted. */
  onStream?: ((open: boolean) => void) | undefined;
};

export type ApiKeyGuard = {
  /** Returns a handler that passes requests with a valid key on, with `req.apiKey` set, and answers all others. */
  require(route?: RouteOptions): RequestHandler;
  /** Whether the stream of changes is open, so that cached keys are trusted. */
  isTrusting(): boolean;
  /** Returns the number of cached keys. */
  size(): number;
  /** Closes the stream and reports the last uses. */
  close(): Promise<void>;
};

/**
 * Verifies the API keys of requests for one process: calls Latchkey once per key, caches the answer, and drops it as soon
 * as Latchkey announces a change. While the stream of changes is lost, every request calls Latchkey. Connects at once, and
 * does not keep the process alive.
 */
export function createApiKeyGuard({ cache, onStream, ...rest }: GuardOptions): ApiKeyGuard {
  const client = 'client' in rest ? rest.client : createLatchkeyClient(rest);
  const guard = makeKeyGuard({ client, cache, onStream });
  const report = makeUsageReport({ send: client.reportUsage, now: guard.now });
  const { checkSession } = client.auth;
  // A lease that is not released expires.
  const release = (id: string) => void client.releaseLease(id).catch(() => undefined);
  return {
    require: (route = {}) => guardRequests({ ...guard, note: report.note, release, checkSession }, route),
    isTrusting: guard.isTrusting,
    size: guard.size,
    close() {
      guard.close();
      return report.close();
    },
  };
}

const guards = new WeakMap<LatchkeyClient, ApiKeyGuard>();

/**
 * Creates Express 5 middleware for a route that needs an API key: `app.get('/tasks', requireApiKey({ client, scopes:
 * ['tasks:read'] }), …)`. Routes with the same `client` share one cache and one stream, with the options of the first;
 * with `baseUrl` and `token` a route has its own. Refusals have Latchkey's envelope `{"error":{"code","message",
 * "request_id","details"?}}`: 401 `credential_missing`, `credential_invalid`, `credential_expired`,
 * `credential_suspended`; 403 `permission_denied`; 423 `billing_inactive`; 429 `rate_limited`, `concurrency_limited`; 503,
 * with the code of Latchkey's own 503 or `verification_unavailable`, while Latchkey is unavailable.
 */
export function requireApiKey({
  environment,
  scopes,
  operation,
  cost,
  allowQuery,
  sessions,
  ...options
}: GuardOptions & RouteOptions): RequestHandler {
  return guardOf(options).require({ environment, scopes, operation, cost, allowQuery, sessions });
}

/** Returns the key of a request that passed `requireApiKey`. @throws Error for any other request, and for a person's */
export function apiKeyOf(req: Request): VerifiedKey {
  if (!req.apiKey) throw new Error('This request did not pass requireApiKey with a key.');
  return req.apiKey;
}

function guardOf(options: GuardOptions): ApiKeyGuard {
  if (!('client' in options)) return createApiKeyGuard(options);
  const guard = guards.get(options.client) ?? createApiKeyGuard(options);
  guards.set(options.client, guard);
  return guard;
}
