import { LRUCache } from 'lru-cache';
import { AppError } from '../errors.ts';
import type { FairTurns } from '../limits/fair-turns.ts';
import type { Limiter } from '../limits/limiter.ts';

type Deps = {
  limiter: Pick<Limiter, 'takeRate'>;
  /** Those of all organizations together. */
  turns: FairTurns;
  /** Those of one organization. */
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
 * What organizations may have WorkOS do for them: each so many calls a minute, all together so many a second, which they
 * share fairly. WorkOS allows 100 a second for everything.
 */
export function makeKeyChanges({ limiter, turns, perMinute, count, nowMs = () => performance.now() }: Deps) {
  const rate = { limit: perMinute, windowSeconds: WINDOW_SECONDS };
  const nextAt = new LRUCache<string, number>({ max: MAX_ORGANIZATIONS, ttl: WINDOW_MS });

  async function take(organizationId: string): Promise<number | undefined> {
    const taken = await limiter.takeRate(`key_changes ${organizationId}`, rate, 1);
    count(taken.refused ? 'refused' : 'taken');
    return taken.refused ? taken.resetSeconds : undefined;
  }

  return {
    /** Waits for room for one call. @throws AppError `rate_limited`, `workos_unavailable` when others leave no room */
    async admit(organizationId: string): Promise<void> {
      const seconds = await take(organizationId);
      if (seconds !== undefined) throw tooMany(seconds, perMinute);
      if (!(await turns.turn(organizationId))) throw noRoom();
    },

    /** Whether there is room now for a call that may as well be made later. */
    async mayNow(organizationId: string): Promise<boolean> {
      return (await take(organizationId)) === undefined && turns.turnNow();
    },

    /**
     * In how many milliseconds a call that found no room is to be made: one after the other, so that those of one
     * organization leave room between them for those of others.
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
  return new AppError('rate_limited', 'This organization changes its keys too often. Wait a little.', {
    details: { retry_after: retryAfter, limit, window_seconds: WINDOW_SECONDS, scope: 'organization' },
  });
}

function noRoom(): AppError {
  return new AppError('workos_unavailable', 'WorkOS has no room for this now. Try again shortly.', {
    details: { retry_after: RETRY_SECONDS },
  });
}
