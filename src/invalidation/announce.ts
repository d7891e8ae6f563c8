import type { Knex } from 'knex';
import { laterWithResult } from '../db/pipeline.ts';
import { INVALIDATION_CHANNEL, payloadsOf } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import type { Notifications } from './notifications.ts';

export type Announce = (trx: Knex.Transaction, change: Invalidation) => Promise<void>;

/** The caches of this replica. */
type Caches = { invalidate(change: Invalidation): void };
type Deps = { cache: Caches; notifications: Pick<Notifications, 'add'> };

type Logged = { rows: { id: string }[] };

const LOG = 'insert into invalidations (organization_id, key_id, session_id) values (?, ?, ?) returning id';
const NOTIFY = 'select pg_notify(?, ?)';

/**
 * Announces a change to every replica: by a row of the log in its transaction, and by a notification after its commit.
 * This replica's caches forget at once, before the request that made the change is answered, also where the commit failed.
 */
export function makeAnnounce({ cache, notifications }: Deps): Announce {
  return async (trx, change) => {
    const { organizationId, keyId = null, sessionId = null } = change;
    const { result } = await laterWithResult(trx, trx.raw<Logged>(LOG, [organizationId, keyId, sessionId]));
    // A commit without an answer may have been done: then the others read it from the log.
    const forget = () => cache.invalidate(change);
    const spread = async () => {
      forget();
      const { rows } = await result;
      notifications.add({ ...change, id: Number(rows[0]!.id) });
    };
    void trx.executionPromise.then(spread, forget);
  };
}

/** Announces changes as the only process on its database, where no other one reads the log: by a notification alone. */
export function makeAnnounceAlone(cache: Caches): Announce {
  return async (trx, change) => {
    await trx.raw(NOTIFY, [INVALIDATION_CHANNEL, ...payloadsOf([change])]);
    const forget = () => cache.invalidate(change);
    void trx.executionPromise.then(forget, forget);
  };
}
