import type { Response } from 'express';
import type { Verdict } from '../shapes.ts';

/** Tells a client how much of a rate is left: draft-ietf-httpapi-ratelimit-headers-11. */
export function tellLimits(res: Response, { rate_limit: rate }: Verdict): void {
  if (!rate) return;
  const { scope, limit, window_seconds: seconds, remaining, reset } = rate;
  res.setHeader('ratelimit-policy', `"${scope}";q=${limit};w=${seconds}`);
  res.setHeader('ratelimit', `"${scope}";r=${remaining};t=${reset}`);
}
