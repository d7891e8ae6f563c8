import type { RateState } from './limiter.ts';

/**
 * Returns the headers of the rate nearest to refusing: `q` requests in `w` seconds, of which `r` are left for the next
 * `t` seconds. Source: draft-ietf-httpapi-ratelimit-headers-11, lists of structured fields (RFC 9651).
 */
export function rateLimitHeaders({ scope, limit, windowSeconds, remaining, resetSeconds }: RateState) {
  return {
    'ratelimit-policy': `"${scope}";q=${limit};w=${windowSeconds}`,
    ratelimit: `"${scope}";r=${remaining};t=${resetSeconds}`,
  };
}
