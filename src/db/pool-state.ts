import type { Knex } from 'knex';

type Pool = { numUsed(): number; numFree(): number; numPendingAcquires(): number };

/** How the connections of a pool stand: in use, idle, and how many requests wait for one. */
export function poolState(db: Knex): Record<'used' | 'free' | 'waiting', number> {
  const pool = db.client.pool as Pool;
  return { used: pool.numUsed(), free: pool.numFree(), waiting: pool.numPendingAcquires() };
}
