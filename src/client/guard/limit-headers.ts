import type { Response } from 'express';
import type { Verdict } from '../shapes.ts';

/** Sets the headers of draft-ietf-httpapi-ratelimit-headers-11: how much of a rate limit is left. */
export function setLimitHeaders(res: Response, { rate_limit: rate }: Verdict): void {
  if (!rate) return;
  const { scope, limit, window_seconds: seconds, remaining, reset } = rate;
  res.setHeader('ratelimit-policy', `"${scope}";q=${limit};w=${seconds}`);
  res.setHeader('ratelimit', `"${scope}";r=${remaining};t=${reset}`);
}
