// What the middleware takes and gives, apart from how it works: these declarations are published.
import type { Request } from 'express';
import type { Environment, Operation, Posture, WantedEnvironment } from '../shapes.ts';

/** The verified key of a request, in `req.apiKey`. */
export type VerifiedKey = {
  readonly id: string;
  readonly organizationId: string;
  readonly label: string;
  readonly environment: Environment;
  /** Undefined for a key with its own scopes. */
  readonly permissionSet: string | undefined;
  readonly scopes: readonly string[];
  /** The billing state of the key's organization. */
  readonly posture: Posture;
  /** True when the cache answered because Latchkey or its database is unavailable. */
  readonly stale: boolean;
};

/** What a route requires of a key. */
export type RouteOptions = {
  /** The key must have all of these; none by default. */
  scopes?: readonly string[] | undefined;
  /** The environment whose keys are accepted; `live` by default, so that a test key does not open a live route. */
  environment?: WantedEnvironment | undefined;
  /** The kind of the request for billing. Default: GET and HEAD are `read`, DELETE is `wind_down`, all others `create`. */
  operation?: Operation | ((req: Request) => Operation) | undefined;
  /** How many requests this counts as for the key's rate limit; 1 by default. */
  cost?: number | ((req: Request) => number) | undefined;
  /** Whether a GET that accepts `text/event-stream` may send its key as `?api_key=`; false by default. */
  allowQuery?: boolean | undefined;
  /**
   * Whether people pass, too, with a session's token in `x-access-token` or `Authorization: Bearer`; false by default. With
   * `organizationId`, those of that organization alone. Every request of a session calls Latchkey.
   */
  sessions?: boolean | { organizationId: string } | undefined;
};

/** The cache of valid keys in this process. */
export type CacheOptions = {
  /** Maximum number of keys; 10,000 by default, 0 caches none. */
  maxKeys?: number | undefined;
  /** How long a key is cached, in milliseconds; 60,000 by default. A backstop: the stream announces changes. */
  ttlMs?: number | undefined;
  /**
   * How long a cached key is still accepted, marked `stale`, while Latchkey is unavailable, in milliseconds since it was
   * last known to be valid. 0, the default: not at all; such requests are answered 503.
   */
  staleGraceMs?: number | undefined;
  /**
   * How long a replica of Latchkey may take to learn of a change, in milliseconds. For so long after a change, an answer
   * is cached only if its mirror was read since. 3,000 by default: a replica without a `LISTEN` connection trusts its
   * memory no longer. 0 where Latchkey is one process.
   */
  replicaLagMs?: number | undefined;
};
