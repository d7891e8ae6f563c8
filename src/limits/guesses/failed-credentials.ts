import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { Limiter, RateTaken } from '../limiter.ts';
import { nameOfGuesser } from './guesser.ts';
import type { Guesser } from './guesser.ts';

type Deps = {
  limiter: Pick<Limiter, 'takeRate'>;
  /** How many an address, or a tenant, may fail with before it is told to wait; 0 for no limit. */
  perMinute: number;
  /** Told of each failure that there was room for, or not. */
  count?: (outcome: 'taken' | 'refused') => void;
  clock: Clock;
};

/** For how many seconds a guesser is over its limit, and by whose count. */
export type OverLimit = { seconds: number; enforcement: RateTaken['enforcement'] };

export type FailedCredentials = ReturnType<typeof makeFailedCredentials>;

const WINDOW_SECONDS = 60;
const SCOPE = 'address';
const WINDOW_MS = WINDOW_SECONDS * 1_000;
/** That many guessers over their limit are kept in mind; one that was forgotten is over again with its next failure. */
const MAX_OVER = 10_000;

/**
 * Counts the credentials by which a guesser failed, together with other replicas where limits are shared. Which of
 * them are over is known without asking anybody, from the last failure that was counted here.
 */
export function makeFailedCredentials({ limiter, perMinute, count: countOutcome = () => undefined, clock }: Deps) {
  const over = new LRUCache<string, { untilMs: number; enforcement: OverLimit['enforcement'] }>({ max: MAX_OVER });
  const rate = { limit: perMinute, windowSeconds: WINDOW_SECONDS };

  return {
    /** @returns undefined when the guesser is not over its limit */
    overFor(guesser: Guesser): OverLimit | undefined {
      if (perMinute === 0) return undefined;
      const name = nameOfGuesser(guesser);
      const known = over.get(name);
      if (!known) return undefined;
      const leftMs = known.untilMs - clock().getTime();
      // A clock that was set back must not hold anybody for longer than a window.
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

    /** What a credential is answered that failed, or was not looked for, from an address over its limit. */
    refusal: ({ seconds, enforcement }: OverLimit): AppError =>
      new AppError('rate_limited', 'Too many credentials that are not valid came from this address.', {
        details: { retry_after: seconds, enforcement, limit: perMinute, window_seconds: WINDOW_SECONDS, scope: SCOPE },
      }),

    /** The standard headers of such an answer; none for any other error. */
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
