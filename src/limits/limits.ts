/** At most `limit` requests in a window, which begins with the first request in it. */
export type RateLimit = { limit: number; windowSeconds: number };

/** What bounds the use of one key; undefined where nothing does. */
export type KeyLimits = {
  rate: RateLimit | undefined;
  /** Requests at a time. */
  concurrency: number | undefined;
  /** Shared by all keys of the organization. */
  organizationRate: RateLimit | undefined;
};

export const UNLIMITED: KeyLimits = { rate: undefined, concurrency: undefined, organizationRate: undefined };

export function isLimited({ rate, concurrency, organizationRate }: KeyLimits): boolean {
  return rate !== undefined || concurrency !== undefined || organizationRate !== undefined;
}

/** The most requests that a rate lets through in any one window of `windowSeconds`. */
export function mostIn(windowSeconds: number, rate: RateLimit): number {
  return rate.limit * Math.ceil(windowSeconds / rate.windowSeconds);
}
