/** At most `limit` requests in a fixed window, which begins with its first request. */
export type RateLimit = { limit: number; windowSeconds: number };

/** The limits of one key; undefined: no limit. */
export type KeyLimits = {
  rate: RateLimit | undefined;
  /** The number of requests in flight. */
  concurrency: number | undefined;
  /** Shared by all keys of the organization. */
  organizationRate: RateLimit | undefined;
};

export const UNLIMITED: KeyLimits = { rate: undefined, concurrency: undefined, organizationRate: undefined };

export function isLimited({ rate, concurrency, organizationRate }: KeyLimits): boolean {
  return rate !== undefined || concurrency !== undefined || organizationRate !== undefined;
}

/** Returns the most requests that a rate can admit within `windowSeconds`. */
export function mostIn(windowSeconds: number, rate: RateLimit): number {
  return rate.limit * Math.ceil(windowSeconds / rate.windowSeconds);
}
