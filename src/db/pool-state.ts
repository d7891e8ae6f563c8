import type { Knex } from 'knex';

type Pool = { numUsed(): number; numFree(): number; numPendingAcquires(): number };

/** Counts the pool's connections in use and idle, and the queries that wait for one. */
export function poolState(db: Knex): Record<'used' | 'free' | 'waiting', number> {
  const pool = db.client.pool as Pool;
  return { used: pool.numUsed(), free: pool.numFree(), waiting: pool.numPendingAcquires() };
}
