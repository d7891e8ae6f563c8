import { createHmac } from 'node:crypto';
import type { Knex } from 'knex';
import { makeBoundedCache } from '../../bounded-cache.ts';
import type { Clock } from '../../clock.ts';
import type { UserCaller } from '../../http/caller.ts';
import type { DerivedKeys } from '../../secrets.ts';

export type KnownAccount = { userId: string; organizationIds: readonly string[] };
export type KnownAccounts = ReturnType<typeof makeKnownAccounts>;

type Deps = { db: Knex; keys: DerivedKeys; clock: Clock };
type Row = { user_id: string; organization_id: string };

const MAX_ORGANIZATIONS = 20;
const MAX_RECORDED = 50_000;
/** How often an account in use is written again, so that it is not deleted as old. */
const RECORD_AGAIN_MS = 24 * 60 * 60_000;

/**
 * Maps e-mail addresses to the users who signed in or renewed a session, on any replica. The database has an HMAC of the
 * address only. An address that changed hands is that of the user who signed in last.
 */
export function makeKnownAccounts({ db, keys, clock }: Deps) {
  const recorded = makeBoundedCache<string>({ max: MAX_RECORDED, ttl: RECORD_AGAIN_MS });

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

    async record(email: string, { userId, organizationId }: Pick<UserCaller, 'userId' | 'organizationId'>) {
      const hash = accountHash(keys[0], email);
      const name = `${hash} ${organizationId}`;
      if (recorded.get(name) === userId) return;
      await db('known_accounts')
        .insert({ account_hash: hash, organization_id: organizationId, user_id: userId, noted_at: clock() })
        .onConflict(['account_hash', 'organization_id'])
        .merge();
      recorded.set(name, userId);
    },

    /** Deletes accounts without a sign-in since then. @returns how many */
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
