import { createHmac } from 'node:crypto';
import type { Knex } from 'knex';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { UserCaller } from '../../http/caller.ts';
import type { DerivedKeys } from '../../secrets.ts';

export type KnownAccount = { userId: string; organizationIds: readonly string[] };
export type KnownAccounts = ReturnType<typeof makeKnownAccounts>;

type Deps = { db: Knex; keys: DerivedKeys; clock: Clock };
type Row = { user_id: string; organization_id: string };

const MAX_ORGANIZATIONS = 20;
const MAX_NOTED = 50_000;
/** An account that is in use is written this often, so that it is not forgotten. */
const NOTED_MS = 24 * 60 * 60_000;

/**
 * Whose an e-mail address is, of people who signed in or renewed a session here, on any replica; by an HMAC of the address,
 * under the first key. An address that is another person's by now is that of the one who came last.
 */
export function makeKnownAccounts({ db, keys, clock }: Deps) {
  const noted = new LRUCache<string, string>({ max: MAX_NOTED, ttl: NOTED_MS });

  return {
    async find(email: string): Promise<KnownAccount | undefined> {
      const hashes = keys.map((key) => accountHash(key, email));
      const rows = await db<Row>('known_accounts')
        .whereIn('account_hash', hashes)
        .orderBy('noted_at', 'desc')
        .limit(MAX_ORGANIZATIONS)
        .select('user_id', 'organization_id');
      const userId = rows[0]?.user_id;
      if (userId === undefined) return undefined;
      const own = rows.filter((row) => row.user_id === userId);
      return { userId, organizationIds: [...new Set(own.map((row) => row.organization_id))] };
    },

    async note(email: string, { userId, organizationId }: Pick<UserCaller, 'userId' | 'organizationId'>) {
      const hash = accountHash(keys[0], email);
      const name = `${hash} ${organizationId}`;
      if (noted.get(name) === userId) return;
      await db('known_accounts')
        .insert({ account_hash: hash, organization_id: organizationId, user_id: userId, noted_at: clock() })
        .onConflict(['account_hash', 'organization_id'])
        .merge();
      noted.set(name, userId);
    },

    /** Forgets accounts that nobody signed in to since then. @returns how many */
    async forget(since: Date, limit: number): Promise<number> {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        `delete from known_accounts where ctid = any(array(
           select ctid from known_accounts where noted_at < ? order by noted_at limit ? for update skip locked))
         returning 1`,
        [since, limit],
      );
      return rows.length;
    },
  };
}

function accountHash(key: Buffer, email: string): string {
  return createHmac('sha256', key).update(email.trim().toLowerCase()).digest('base64url');
}
