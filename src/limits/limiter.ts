import type { KeyLimits, RateLimit } from './limits.ts';

/** One request that is judged by the limits of a key. */
export type LimitRequest = {
  organizationId: string;
  /** Unique across organizations. */
  keyId: string;
  limits: KeyLimits;
  /** How many requests it counts as; 0 reads the rates, and none of them refuses it. */
  cost: number;
  /** Whether it takes a concurrency slot, if the key's are limited. */
  lease: boolean;
};

/**
 * Which counter judged a limit: this process's (`local`), or the one that replicas share (`shared`). Where the shared
 * one is lost, the configuration lets requests pass (`none`) or refuses them (`unavailable`).
 */
export type Enforcement = 'local' | 'shared' | 'none' | 'unavailable';

/** The rest of a rate in the current window. */
export type RateState = RateLimit & { scope: 'key' | 'organization'; remaining: number; resetSeconds: number };

export type Lease = { id: string; expiresAt: Date };

export type Taken = {
  /** The limit that refused; undefined if none did. A refused request counts towards no limit. */
  refused: 'rate' | 'concurrency' | undefined;
  /** How long to wait after a refusal: whole seconds, at least 1. */
  retryAfterSeconds: number | undefined;
  /** The rate that refused, else the one with the least left; undefined if no rate is limited. */
  rate: RateState | undefined;
  /** The concurrency slot that was taken, until it is released or expires. */
  lease: Lease | undefined;
  /** Also `local` if nothing is limited. */
  enforcement: Enforcement;
};

export type RateTaken = {
  refused: boolean;
  remaining: number;
  resetSeconds: number;
  enforcement: Extract<Enforcement, 'local' | 'shared'>;
};

/** Counts requests. Answers from memory come at once, without a promise. */
export type Limiter = {
  /** Judges all limits of a key at once: all of them count the request, or none does. */
  take(request: LimitRequest): Taken | Promise<Taken>;
  /** Counts towards a named rate that belongs to no key. */
  takeRate(name: string, rate: RateLimit, cost: number): RateTaken | Promise<RateTaken>;
  /** Releases a lease; one that has expired is no error. */
  release(lease: LeasedSlot): Promise<void>;
};

/** The parts of a lease's id. */
export type LeasedSlot = { organizationId: string; keyId: string; token: string };
