import type { KeyLimits, RateLimit } from './limits.ts';

/** One request that wants to pass the limits of a key. */
export type LimitRequest = {
  organizationId: string;
  /** Of one organization only: no two have a key of the same id. */
  keyId: string;
  limits: KeyLimits;
  /** How many requests it counts as in the rates; 0 looks, counts nothing there and is refused by none. */
  cost: number;
  /** Whether it takes a place among the key's concurrent requests, where these are limited. */
  lease: boolean;
};

/**
 * By whose count a limit was judged: this process's alone, the one that all replicas share, or nobody's, because the
 * shared one is lost and the configuration says to let requests pass (`none`) or to refuse them (`unavailable`).
 */
export type Enforcement = 'local' | 'shared' | 'none' | 'unavailable';

/** How much of a rate is left. */
export type RateState = RateLimit & { scope: 'key' | 'organization'; remaining: number; resetSeconds: number };

export type Lease = { id: string; expiresAt: Date };

export type Taken = {
  /** Which limit refused; undefined when the request may pass. A refused request counts towards no limit. */
  refused: 'rate' | 'concurrency' | undefined;
  /** Whole seconds, at least 1; how long to wait when refused. */
  retryAfterSeconds: number | undefined;
  /** The rate that refused, else the one with the least left; undefined where no rate is limited. */
  rate: RateState | undefined;
  /** The place that was taken. It is to be released, and ends by itself. */
  lease: Lease | undefined;
  /** `local` too where nothing was limited. */
  enforcement: Enforcement;
};

export type RateTaken = {
  refused: boolean;
  remaining: number;
  resetSeconds: number;
  enforcement: Extract<Enforcement, 'local' | 'shared'>;
};

/** Counts requests. What can be answered from memory is answered at once, without a promise. */
export type Limiter = {
  /** Judges all limits of a key at once: all of them count the request, or none does. */
  take(request: LimitRequest): Taken | Promise<Taken>;
  /** Counts towards a rate that belongs to no key, under a name of its own. */
  takeRate(name: string, rate: RateLimit, cost: number): RateTaken | Promise<RateTaken>;
  /** Gives a place back; one that has ended already is no error. */
  release(lease: LeasedPlace): Promise<void>;
};

/** What a lease's id says: whose place it is. */
export type LeasedPlace = { organizationId: string; keyId: string; token: string };
