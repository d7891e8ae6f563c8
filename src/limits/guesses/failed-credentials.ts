import { makeBoundedCache } from '../../bounded-cache.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { Limiter, RateTaken } from '../limiter.ts';
import { nameOfGuesser } from './guesser.ts';
import type { Guesser } from './guesser.ts';

type Deps = {
  limiter: Pick<Limiter, 'takeRate'>;
  /** Failures that an address or a tenant may have before it must wait; 0 for no limit. */
  perMinute: number;
  /** Called for each failure within the limit (`taken`) or over it (`refused`). */
  count?: (outcome: 'taken' | 'refused') => void;
  clock: Clock;
};

/** How long a guesser must wait, and which counter says so. */
export type OverLimit = {
  seconds: number;
  enforcement: RateTaken['enforcement'];
  /** No limit is used up: there was no room to check the key's hash. */
  busy?: true;
};

export type FailedCredentials = ReturnType<typeof makeFailedCredentials>;

const WINDOW_SECONDS = 60;
const SCOPE = 'address';
const WINDOW_MS = WINDOW_SECONDS * 1_000;
/** Remembers this many guessers that are over their limit; a forgotten one is over again with its next failure. */
const MAX_OVER = 10_000;

/**
 * Counts the failed credentials of guessers, together with other replicas if limits are shared. Whether one is over its
 * limit is known in memory, from its last failure that this process counted.
 */
export function makeFailedCredentials({ limiter, perMinute, count: countOutcome = () => undefined, clock }: Deps) {
  const over = makeBoundedCache<{ untilMs: number; enforcement: OverLimit['enforcement'] }>({ max: MAX_OVER });
  const rate = { limit: perMinute, windowSeconds: WINDOW_SECONDS };

  return {
    /** @returns undefined when the guesser is not over its limit */
    overFor(guesser: Guesser): OverLimit | undefined {
      if (perMinute === 0) return undefined;
      const name = nameOfGuesser(guesser);
      const known = over.get(name);
      if (!known) return undefined;
      const leftMs = known.untilMs - clock().getTime();
      // A clock that was set back must not hold a guesser for longer than a window.
      if (leftMs > 0 && leftMs <= WINDOW_MS)
        return { seconds: Math.ceil(leftMs / 1_000), enforcement: known.enforcement };
      over.delete(name);
      return undefined;
    },

    /** Counts a failure. @returns undefined when the guesser is not over its limit now */
    async count(guesser: Guesser): Promise<OverLimit | undefined> {
      if (perMinute === 0) return undefined;
      const name = nameOfGuesser(guesser);
      const { refused, resetSeconds: seconds, enforcement } = await limiter.takeRate(`failed ${name}`, rate, 1);
      countOutcome(refused ? 'refused' : 'taken');
      if (!refused) return undefined;
      over.set(name, { untilMs: clock().getTime() + Math.min(seconds, WINDOW_SECONDS) * 1_000, enforcement });
      return { seconds, enforcement };
    },

    /** The refusal of a failed or skipped credential from an address over its limit. */
    refusal: ({ seconds, enforcement, busy }: OverLimit): AppError => {
      if (busy) return noRoom({ retry_after: seconds, enforcement });
      const counted = { limit: perMinute, window_seconds: WINDOW_SECONDS, scope: SCOPE };
      const message = 'This address has sent too many invalid credentials. Wait before trying again.';
      return new AppError('rate_limited', message, { details: { retry_after: seconds, enforcement, ...counted } });
    },

    /** Returns the standard headers of such a refusal; none for any other error. */
    headersOf(error: unknown): Readonly<Record<string, string>> {
      if (!(error instanceof AppError) || error.details?.['scope'] !== SCOPE) return {};
      return {
        'ratelimit-policy': `"${SCOPE}";q=${perMinute};w=${WINDOW_SECONDS}`,
        ratelimit: `"${SCOPE}";r=0;t=${error.retryAfterSeconds}`,
        'x-latchkey-enforcement': String(error.details['enforcement']),
      };
    },
  };
}

function noRoom(details: { retry_after: number; enforcement: string }): AppError {
  return new AppError('rate_limited', 'Too many keys are being checked for the first time. Try again shortly.', {
    details,
  });
}
