import { createHmac } from 'node:crypto';
import { makeBoundedCache } from '../bounded-cache.ts';
import type { Clock } from '../clock.ts';
import type { UserCaller } from '../http/caller.ts';
import type { DerivedKeys } from '../secrets.ts';
import type { SessionRepository } from './session-repository.ts';

export type RenewableSessions = ReturnType<typeof makeRenewableSessions>;

type Deps = {
  sessions: Pick<SessionRepository, 'findByRefreshHashes' | 'putRefreshHash' | 'dropRefreshHashes'>;
  keys: DerivedKeys;
  clock: Clock;
};
type Owned = Pick<UserCaller, 'sessionId' | 'userId' | 'organizationId'>;
type Found = ReadonlyMap<string, string>;

const MAX_TOKENS = 50_000;

/**
 * Finds the session that a refresh token renews, among the tokens that any replica handed out last. Tokens are known by
 * an HMAC alone, so that none lies in memory or in the database. Tokens of this replica are found without a query.
 */
export function makeRenewableSessions({ sessions, keys, clock }: Deps) {
  const remembered = makeBoundedCache<string>({ max: MAX_TOKENS });
  const hashesOf = (refreshToken: string) => keys.map((key) => tokenHash(key, refreshToken));
  const read = oneAtATime(sessions.findByRefreshHashes);

  return {
    async find(refreshToken: string): Promise<string | undefined> {
      const hashes = hashesOf(refreshToken);
      const known = remembered.get(hashes[0]!);
      if (known !== undefined) return known;
      const found = await read(hashes);
      return hashes.map((hash) => found.get(hash)).find((sessionId) => sessionId !== undefined);
    },

    /** Records the session's new token in place of the one before. */
    async record(refreshToken: string, { sessionId, userId, organizationId }: Owned): Promise<void> {
      const hash = tokenHash(keys[0], refreshToken);
      await sessions.putRefreshHash({ sessionId, userId, organizationId, lastActiveAt: clock() }, hash);
      remembered.set(hash, sessionId);
    },

    /** Drops a token that WorkOS has used up or refused. */
    async forget(refreshToken: string): Promise<void> {
      const hashes = hashesOf(refreshToken);
      remembered.delete(hashes[0]!);
      await sessions.dropRefreshHashes(hashes);
    },
  };
}

/** Runs one query at a time; callers that arrive meanwhile share the next one, so that a flood holds one connection. */
function oneAtATime(
  load: (hashes: readonly string[]) => Promise<Found>,
): (hashes: readonly string[]) => Promise<Found> {
  let last: Promise<unknown> = Promise.resolve();
  let next: { hashes: string[]; found: Promise<Found> } | undefined;

  function begin(): { hashes: string[]; found: Promise<Found> } {
    const hashes: string[] = [];
    const found = last.then(() => {
      next = undefined;
      return load(hashes);
    });
    last = found.catch(() => undefined);
    return { hashes, found };
  }

  return (hashes) => {
    next ??= begin();
    next.hashes.push(...hashes);
    return next.found;
  };
}

function tokenHash(key: Buffer, refreshToken: string): string {
  return createHmac('sha256', key).update(refreshToken).digest('base64url');
}
