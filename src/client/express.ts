import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { CheckedKey, VerifiedKey } from './checked-keys.ts';
import { createLatchkeyClient } from './client.ts';
import type { LatchkeyClient } from './client.ts';
import { makeKeyGuard } from './key-guard.ts';
import type { KeyGuard } from './key-guard.ts';
import type { CacheOptions } from './key-memory.ts';
import { readKey } from './read-key.ts';
import { judge, refusalOf, sendRefusal, unavailable } from './refusal.ts';
import type { ConnectionOptions } from './send.ts';
import type { Operation } from './shapes.ts';

export type { CacheOptions } from './key-memory.ts';
export type { VerifiedKey } from './checked-keys.ts';

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

/** What a route asks of a key. */
export type RouteOptions = {
  /** All of these are needed; none, unless said. */
  scopes?: readonly string[] | undefined;
  /** What the request does, as billing sees it. Unless said: GET and HEAD read, DELETE winds down, all else creates. */
  operation?: Operation | ((req: Request) => Operation) | undefined;
};

export type ApiKeyGuard = {
  /** A handler that lets requests with a good key pass, with `req.apiKey` set, and answers all others. */
  require(route?: RouteOptions): RequestHandler;
  /** Whether the stream of changes is open, so that keys are known without asking. */
  isTrusting(): boolean;
  /** How many keys are kept. */
  size(): number;
  /** Stops listening. */
  close(): void;
};

/**
 * Checks API keys of requests for one process: asks Latchkey about a key once, keeps the answer in memory, and drops it
 * as soon as Latchkey tells of a change. While Latchkey does not tell, every request asks. Connects at once, and keeps
 * no process alive.
 */
export function createApiKeyGuard({ cache, onStream, ...rest }: GuardOptions): ApiKeyGuard {
  const client = 'client' in rest ? rest.client : createLatchkeyClient(rest);
  const guard = makeKeyGuard({ client, cache, onStream });
  return {
    require: (route = {}) => handlerOf(guard, route),
    isTrusting: guard.isTrusting,
    size: guard.size,
    close: guard.close,
  };
}

const guards = new WeakMap<LatchkeyClient, ApiKeyGuard>();

/**
 * Express 5 middleware for a route that needs an API key: `app.get('/tasks', requireApiKey({ client, scopes:
 * ['tasks:read'] }), …)`. Routes with the same `client` share one memory and one stream, those of the first of them;
 * with `baseUrl` and `token` a route has its own. Refusals are Latchkey's envelope `{"error":{"code","message",
 * "request_id","details"?}}`: 401 `credential_missing`, `credential_invalid`, `credential_expired`; 403
 * `permission_denied`; 423 `billing_inactive`; 503, with the code of Latchkey's own 503 or `verification_unavailable`,
 * when Latchkey cannot be asked.
 */
export function requireApiKey({ scopes, operation, ...options }: GuardOptions & RouteOptions): RequestHandler {
  return guardOf(options).require({ scopes, operation });
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

function handlerOf(guard: KeyGuard, { scopes = [], operation = operationOf }: RouteOptions): RequestHandler {
  const pass = (req: Request, res: Response, next: NextFunction, key: CheckedKey, does: Operation) => {
    const refusal = judge(key, { scopes, operation: does });
    if (refusal) return sendRefusal(res, refusal);
    req.apiKey = key.view;
    next();
  };
  const ask = async (req: Request, res: Response, next: NextFunction, presented: string, does: Operation) => {
    const answer = await guard.ask(presented).catch(unavailable);
    if ('key' in answer) pass(req, res, next, answer.key, does);
    else sendRefusal(res, 'refused' in answer ? refusalOf(answer.refused) : answer);
  };

  return (req, res, next) => {
    const presented = readKey(req.rawHeaders);
    if (typeof presented !== 'string') return sendRefusal(res, presented);
    const does = typeof operation === 'function' ? operation(req) : operation;
    const known = guard.peek(presented);
    // A trial ends by the clock of Latchkey, and nobody tells of it.
    if (known && !(does === 'create' && known.view.posture === 'trial')) return pass(req, res, next, known, does);
    return ask(req, res, next, presented, does);
  };
}

function operationOf({ method }: Request): Operation {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return method === 'DELETE' ? 'wind_down' : 'create';
}
