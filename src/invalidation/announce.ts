import type { Knex } from 'knex';
import { INVALIDATION_CHANNEL, payloadOf } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';

export type Announce = (trx: Knex.Transaction, change: Invalidation) => Promise<void>;

type Deps = {
  /** The caches of this replica. */
  cache: { invalidate(change: Invalidation): void };
  /** Whether this is the only process on its database, so that no other one reads the log. */
  alone: boolean;
};

const NOTIFY = 'select pg_notify(:channel, :payload)';
const LOG_AND_NOTIFY = `with logged as (
    insert into invalidations (organization_id, key_id, session_id) values (:organizationId, :keyId, :sessionId)
  ) ${NOTIFY}`;

/**
 * Announces a change to every replica when its transaction commits: by a notification, and by a row of the log. This
 * replica's caches forget at once, before the request that made the change is answered, also where the commit failed.
 */
export function makeAnnounce({ cache, alone }: Deps): Announce {
  return async (trx, change) => {
    const { organizationId, keyId = null, sessionId = null } = change;
    const channel = { channel: INVALIDATION_CHANNEL, payload: payloadOf(change) };
    await trx.raw(alone ? NOTIFY : LOG_AND_NOTIFY, { ...channel, ...(!alone && { organizationId, keyId, sessionId }) });
    // A commit without an answer may have been done.
    const forget = () => cache.invalidate(change);
    void trx.executionPromise.then(forget, forget);
  };
}
