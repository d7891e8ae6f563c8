import { LRUCache } from 'lru-cache';
import type { WorkosGateway, WorkosMembership, WorkosUser } from '../workos/gateway.ts';

type Description = { user: WorkosUser; memberships: WorkosMembership[] };

const MAX_USERS = 10_000;
const FRESH_MS = 30_000;
/** While WorkOS does not answer, what it said within this time is shown. */
const STALE_MS = 10 * 60_000;

/**
 * A person's e-mail and memberships, which no token carries. Kept for half a minute: they are shown to people and
 * decide nothing, what a caller may do comes from the token alone.
 */
export function makeDescribeUser(workos: Pick<WorkosGateway, 'getUser' | 'listMemberships'>) {
  const known = new LRUCache<string, { description: Description; at: number }>({ max: MAX_USERS, ttl: STALE_MS });

  return async function describeUser(userId: string): Promise<Description> {
    const kept = known.get(userId);
    if (kept && performance.now() - kept.at < FRESH_MS) return kept.description;
    try {
      const [user, memberships] = await Promise.all([workos.getUser(userId), workos.listMemberships(userId)]);
      known.set(userId, { description: { user, memberships }, at: performance.now() });
      return { user, memberships };
    } catch (error) {
      if (kept) return kept.description;
      throw error;
    }
  };
}
