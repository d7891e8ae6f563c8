import type { Knex } from 'knex';
import { INVALIDATION_CHANNEL } from './invalidation.ts';
import type { Invalidation } from './invalidation.ts';
import type { KeyCache } from './key-cache.ts';

export type Announce = (trx: Knex.Transaction, change: Invalidation) => Promise<void>;

/**
 * Tells every replica of a change, when the transaction commits and only then. This replica does not wait to hear of
 * it: its own cache forgets before whoever asked for the change is answered.
 */
export function makeAnnounce(cache: Pick<KeyCache, 'invalidate'>): Announce {
  return async (trx, change) => {
    const { organizationId, keyId, sessionId } = change;
    const payload = JSON.stringify([organizationId, keyId ?? null, ...(sessionId === undefined ? [] : [sessionId])]);
    await trx.raw('select pg_notify(?, ?)', [INVALIDATION_CHANNEL, payload]);
    void trx.executionPromise.then(
      () => cache.invalidate(change),
      () => undefined,
    );
  };
}
