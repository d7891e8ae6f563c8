import { makeBoundedCache } from '../bounded-cache.ts';
import type { PersonNames } from './person-names.ts';
import type { WorkosGateway, WorkosMembership, WorkosUser } from '../workos/gateway.ts';

type Description = { user: WorkosUser; memberships: WorkosMembership[] };

const MAX_USERS = 10_000;
const FRESH_MS = 30_000;
/** How old an answer may be while WorkOS does not answer. */
const STALE_MS = 10 * 60_000;

/**
 * Returns a user's e-mail and memberships, which no token carries. They are remembered for half a minute, since they are
 * only shown: the token alone decides what a caller may do.
 */
export function makeDescribeUser(
  workos: Pick<WorkosGateway, 'getUser' | 'listMemberships'>,
  names: Pick<PersonNames, 'remember'>,
) {
  const remembered = makeBoundedCache<{ description: Description; at: number }>({ max: MAX_USERS, ttl: STALE_MS });

  return async function describeUser(userId: string): Promise<Description> {
    const last = remembered.get(userId);
    if (last && performance.now() - last.at < FRESH_MS) return last.description;
    try {
      const [user, memberships] = await Promise.all([workos.getUser(userId), workos.listMemberships(userId)]);
      names.remember(user);
      remembered.set(userId, { description: { user, memberships }, at: performance.now() });
      return { user, memberships };
    } catch (error) {
      if (last) return last.description;
      throw error;
    }
  };
}
