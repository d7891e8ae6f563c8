import { createHmac } from 'node:crypto';
import type { Knex } from 'knex';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { UserCaller } from '../http/caller.ts';
import type { DerivedKeys } from '../secrets.ts';

export type RenewableSessions = ReturnType<typeof makeRenewableSessions>;

type Deps = { db: Knex; keys: DerivedKeys; clock: Clock };
type Of = Pick<UserCaller, 'sessionId' | 'userId' | 'organizationId'>;
type Row = { refresh_hash: string; session_id: string };
type Found = ReadonlyMap<string, string>;

const MAX_TOKENS = 50_000;

/**
 * Which session a refresh token renews, of those that any replica handed out last; by an HMAC under the first key, so that no
 * token lies in memory or in the database. What this replica handed out it finds without asking.
 */
export function makeRenewableSessions({ db, keys, clock }: Deps) {
  const remembered = new LRUCache<string, string>({ max: MAX_TOKENS });
  const hashesOf = (refreshToken: string) => keys.map((key) => tokenHash(key, refreshToken));
  const read = inTurn((hashes) => readSessions(db, hashes));

  return {
    async find(refreshToken: string): Promise<string | undefined> {
      const hashes = hashesOf(refreshToken);
      const known = remembered.get(hashes[0]!);
      if (known !== undefined) return known;
      const found = await read(hashes);
      return hashes.map((hash) => found.get(hash)).find((sessionId) => sessionId !== undefined);
    },

    /** In place of the token that the session had before. Renewing is a use. */
    async note(refreshToken: string, { sessionId, userId, organizationId }: Of): Promise<void> {
      const hash = tokenHash(keys[0], refreshToken);
      await db.raw(
        `insert into user_sessions as known (session_id, user_id, organization_id, last_active_at, refresh_hash)
         values (?, ?, ?, ?, ?)
         on conflict (session_id) do update
           set refresh_hash = excluded.refresh_hash,
               last_active_at = greatest(known.last_active_at, excluded.last_active_at)`,
        [sessionId, userId, organizationId, clock(), hash],
      );
      remembered.set(hash, sessionId);
    },

    /** WorkOS says that it is used up, or none. */
    async forget(refreshToken: string): Promise<void> {
      const hashes = hashesOf(refreshToken);
      remembered.delete(hashes[0]!);
      await db('user_sessions').whereIn('refresh_hash', hashes).update({ refresh_hash: null });
    },
  };
}

async function readSessions(db: Knex, hashes: readonly string[]): Promise<Found> {
  const rows = await db<Row>('user_sessions')
    .whereRaw('refresh_hash = any(?)', [hashes as string[]])
    .whereNull('ended_at')
    .select('refresh_hash', 'session_id');
  return new Map(rows.map((row) => [row.refresh_hash, row.session_id]));
}

/** One query at a time: those who ask meanwhile are answered together by the next, so that a flood holds one connection. */
function inTurn(load: (hashes: readonly string[]) => Promise<Found>): (hashes: readonly string[]) => Promise<Found> {
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
