import { AppError } from '../errors.ts';
import type { Taken } from '../limits/limiter.ts';
import { rateLimitHeaders } from '../limits/rate-limit-headers.ts';

/** Returns the headers of an answer: the standard ones of rate limits, and the counter that judged them. */
export function limitHeaders({ rate, retryAfterSeconds, enforcement }: Taken): [name: string, value: string][] {
  return [
    ...(rate ? Object.entries(rateLimitHeaders(rate)) : []),
    ...(retryAfterSeconds === undefined ? [] : [['retry-after', `${retryAfterSeconds}`] as [string, string]]),
    ['x-latchkey-enforcement', enforcement],
  ];
}

/** Returns the refusal of a request by a limit of its key. */
export function limitError({ refused, rate, retryAfterSeconds, enforcement }: Taken): AppError {
  const details = {
    retry_after: retryAfterSeconds ?? 1,
    enforcement,
    ...(rate && refused === 'rate' && { limit: rate.limit, window_seconds: rate.windowSeconds, scope: rate.scope }),
  };
  return refused === 'concurrency'
    ? new AppError('concurrency_limited', 'Too many requests with this API key are in flight. Wait until one ends.', {
        details,
      })
    : new AppError('rate_limited', 'Too many requests with this API key. Wait before trying again.', { details });
}
