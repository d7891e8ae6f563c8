import { makeBoundedCache } from '../../bounded-cache.ts';
import { AppError } from '../../errors.ts';
import type { FairTurns } from '../../limits/fair-turns.ts';
import type { Limiter } from '../../limits/limiter.ts';

type Deps = {
  limiter: Pick<Limiter, 'takeRate'>;
  /** Shares the calls of all organizations. */
  turns: FairTurns;
  /** Calls of one organization. */
  perMinute: number;
  count: (outcome: 'taken' | 'refused') => void;
  nowMs?: () => number;
};

export type KeyChanges = ReturnType<typeof makeKeyChanges>;

const WINDOW_SECONDS = 60;
const WINDOW_MS = WINDOW_SECONDS * 1_000;
const RETRY_SECONDS = 1;
const MAX_ORGANIZATIONS = 10_000;

/**
 * Budgets the calls to WorkOS that organizations cause: `perMinute` for each, and a rate for all together that they share
 * fairly. WorkOS allows 100 calls a second in total.
 */
export function makeKeyChanges({ limiter, turns, perMinute, count, nowMs = () => performance.now() }: Deps) {
  const rate = { limit: perMinute, windowSeconds: WINDOW_SECONDS };
  const nextAt = makeBoundedCache<number>({ max: MAX_ORGANIZATIONS, ttl: WINDOW_MS });

  async function take(organizationId: string): Promise<number | undefined> {
    const taken = await limiter.takeRate(`key_changes ${organizationId}`, rate, 1);
    count(taken.refused ? 'refused' : 'taken');
    return taken.refused ? taken.resetSeconds : undefined;
  }

  return {
    /** Counts a change that needs no call to WorkOS, such as one that only writes an event and webhooks. @throws AppError `rate_limited` */
    async count(organizationId: string): Promise<void> {
      const seconds = await take(organizationId);
      if (seconds !== undefined) throw tooMany(seconds, perMinute);
    },

    /** Waits for a turn. @throws AppError `rate_limited`, or `workos_unavailable` when no turn comes in time */
    async admit(organizationId: string): Promise<void> {
      const seconds = await take(organizationId);
      if (seconds !== undefined) throw tooMany(seconds, perMinute);
      if (!(await turns.turn(organizationId))) throw noRoom();
    },

    /** Takes a turn for a call that can be made later, without waiting. @returns whether there was one */
    async mayNow(organizationId: string): Promise<boolean> {
      return (await take(organizationId)) === undefined && turns.turnNow();
    },

    /**
     * Schedules a call that got no turn. Calls of one organization are spread out, so that those of others fit between.
     * @returns milliseconds from now
     */
    delayMs(organizationId: string): number {
      const now = nowMs();
      const at = Math.max(now, nextAt.get(organizationId) ?? 0) + WINDOW_MS / perMinute;
      nextAt.set(organizationId, at, { ttl: at - now + WINDOW_MS });
      return at - now;
    },
  };
}

function tooMany(retryAfter: number, limit: number): AppError {
  return new AppError(
    'rate_limited',
    `This organization may change its keys ${limit} times a minute. Retry in ${retryAfter} seconds.`,
    {
      details: { retry_after: retryAfter, limit, window_seconds: WINDOW_SECONDS, scope: 'organization' },
    },
  );
}

function noRoom(): AppError {
  return new AppError('workos_unavailable', 'Too many calls to WorkOS are waiting. Retry in a second.', {
    details: { retry_after: RETRY_SECONDS },
  });
}
