import type { Request, RequestHandler } from 'express';
import type { VerifiedKey } from './guard/checked-keys.ts';
import { createLatchkeyClient } from './client.ts';
import type { LatchkeyClient } from './client.ts';
import { guardRequests } from './guard/guard-requests.ts';
import type { RouteOptions } from './guard/guard-requests.ts';
import { makeKeyGuard } from './guard/key-guard.ts';
import type { CacheOptions } from './guard/key-memory.ts';
import type { ConnectionOptions } from './send.ts';
import { makeUsageReport } from './guard/usage-report.ts';

export type { RouteOptions } from './guard/guard-requests.ts';
export type { CacheOptions } from './guard/key-memory.ts';
export type { VerifiedKey } from './guard/checked-keys.ts';

declare global {
  namespace Express {
    interface Request {
      /** The key that the request came with; set by `requireApiKey` of `latchkey/express`. */
      apiKey?: VerifiedKey;
    }
  }
}

/** One Latchkey and what is kept of its answers; shared by all routes of a process. */
export type GuardOptions = ({ client: LatchkeyClient } | ConnectionOptions) & {
  cache?: CacheOptions | undefined;
  /** Told when the stream of changes opens, and when it is lost and nothing kept is trusted. */
  onStream?: ((open: boolean) => void) | undefined;
};

export type ApiKeyGuard = {
  /** A handler that lets requests with a good key pass, with `req.apiKey` set, and answers all others. */
  require(route?: RouteOptions): RequestHandler;
  /** Whether the stream of changes is open, so that keys are known without asking. */
  isTrusting(): boolean;
  /** How many keys are kept. */
  size(): number;
  /** Stops listening, and tells Latchkey of the last uses. */
  close(): Promise<void>;
};

/**
 * Checks API keys of requests for one process: asks Latchkey about a key once, keeps the answer in memory, and drops it
 * as soon as Latchkey tells of a change. While Latchkey does not tell, every request asks. Connects at once, and keeps
 * no process alive.
 */
export function createApiKeyGuard({ cache, onStream, ...rest }: GuardOptions): ApiKeyGuard {
  const client = 'client' in rest ? rest.client : createLatchkeyClient(rest);
  const guard = makeKeyGuard({ client, cache, onStream });
  const report = makeUsageReport({ send: client.reportUsage, now: guard.now });
  // A lease that cannot be released ends by itself.
  const release = (id: string) => void client.releaseLease(id).catch(() => undefined);
  return {
    require: (route = {}) => guardRequests({ ...guard, note: report.note, release }, route),
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
 * Express 5 middleware for a route that needs an API key: `app.get('/tasks', requireApiKey({ client, scopes:
 * ['tasks:read'] }), …)`. Routes with the same `client` share one memory and one stream, those of the first of them;
 * with `baseUrl` and `token` a route has its own. Refusals are Latchkey's envelope `{"error":{"code","message",
 * "request_id","details"?}}`: 401 `credential_missing`, `credential_invalid`, `credential_expired`; 403
 * `permission_denied`; 423 `billing_inactive`; 429 `rate_limited`, `concurrency_limited`; 503, with the code of
 * Latchkey's own 503 or `verification_unavailable`, when Latchkey cannot be asked.
 */
export function requireApiKey({
  environment,
  scopes,
  operation,
  cost,
  allowQuery,
  ...options
}: GuardOptions & RouteOptions): RequestHandler {
  return guardOf(options).require({ environment, scopes, operation, cost, allowQuery });
}

/** The key of a request that passed `requireApiKey`. @throws Error for any other request */
export function apiKeyOf(req: Request): VerifiedKey {
  if (!req.apiKey) throw new Error('This request did not pass requireApiKey.');
  return req.apiKey;
}

function guardOf(options: GuardOptions): ApiKeyGuard {
  if (!('client' in options)) return createApiKeyGuard(options);
  const guard = guards.get(options.client) ?? createApiKeyGuard(options);
  guards.set(options.client, guard);
  return guard;
}
