import { AppError } from '../errors.ts';
import type { Taken } from '../limits/limiter.ts';
import { rateLimitHeaders } from '../limits/rate-limit-headers.ts';

/** What the headers of an answer say of limits: the standard ones, and by whose count they were judged. */
export function limitHeaders({ rate, retryAfterSeconds, enforcement }: Taken): [name: string, value: string][] {
  return [
    ...(rate ? Object.entries(rateLimitHeaders(rate)) : []),
    ...(retryAfterSeconds === undefined ? [] : [['retry-after', `${retryAfterSeconds}`] as [string, string]]),
    ['x-latchkey-enforcement', enforcement],
  ];
}

/** What a request is answered that a limit of its key refused. */
export function limitError({ refused, rate, retryAfterSeconds, enforcement }: Taken): AppError {
  const details = {
    retry_after: retryAfterSeconds ?? 1,
    enforcement,
    ...(rate && refused === 'rate' && { limit: rate.limit, window_seconds: rate.windowSeconds, scope: rate.scope }),
  };
  return refused === 'concurrency'
    ? new AppError('concurrency_limited', 'Too many requests at once with this API key.', { details })
    : new AppError('rate_limited', 'Too many requests with this API key.', { details });
}
