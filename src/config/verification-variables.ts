import { z } from 'zod';
import { redisUrl, wholeNumber } from './variable-types.ts';

/** What a process remembers and serves at once, and the limits of those who ask. */
export const verification = {
  LATCHKEY_CACHE_MAX_KEYS: wholeNumber(1, 10_000_000, 24_000).describe('Most verified keys that a process remembers.'),
  LATCHKEY_STALE_GRACE_MS: wholeNumber(0, 600_000, 0).describe(
    'Milliseconds that memory goes on answering, marked `stale`, while the database is not proven to be the primary (docs/explanation/high-availability.md).',
  ),
  LATCHKEY_SPARE_LOOK_UPS_PER_SECOND: wholeNumber(1, 100_000, 1_000).describe(
    'Most keys a second that a process looks up for addresses and tenants over their limit, shared fairly among them.',
  ),
  LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: wholeNumber(0, 1_000_000, 300).describe(
    'Most invalid credentials a minute from one address, or from one tenant that verifies, before it has to wait; 0 for no limit.',
  ),
  LATCHKEY_SIGN_INS_PER_MINUTE: wholeNumber(1, 1_000_000, 30).describe(
    'Most password sign-ins a minute from one address.',
  ),
  LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE: wholeNumber(1, 1_000_000, 10).describe(
    'Most password sign-ins a minute for one account from one network; fewer while many networks try.',
  ),
  LATCHKEY_STREAMS: wholeNumber(2, 100_000, 1_000).describe(
    'Most open invalidation streams of a process; half of them are for service tokens alone.',
  ),
  LATCHKEY_STREAMS_PER_ORGANIZATION: wholeNumber(1, 100_000, 20).describe(
    "Most open invalidation streams of one organization's machine tokens.",
  ),
  LATCHKEY_EXPORTS: wholeNumber(1, 10_000, 20).describe('Most CSV exports at once of a process.'),
  LATCHKEY_EXPORTS_PER_ORGANIZATION: wholeNumber(1, 10_000, 2).describe(
    'Most CSV exports at once of one organization.',
  ),
  REDIS_URL: redisUrl
    .optional()
    .describe(
      'Redis or Valkey in which replicas count limits together, `redis://…` or `rediss://…`; without it each replica counts for itself.',
    ),
  LATCHKEY_LIMITS_FALLBACK: z
    .enum(['local', 'allow', 'refuse'])
    .default('local')
    .describe(
      'While that Redis is lost, `local` counts in each process, `allow` lets requests pass uncounted, `refuse` refuses limited ones.',
    ),
  LATCHKEY_LEASE_SECONDS: wholeNumber(1, 3_600, 60).describe(
    'Seconds until a concurrency lease expires that is not released.',
  ),
  LATCHKEY_IDEMPOTENCY_WINDOW_MS: wholeNumber(1_000, 86_400_000, 600_000).describe(
    'Milliseconds that an `Idempotency-Key` gives the same answer again.',
  ),
};
