import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';

const MAX_TRIES = 4;
const RETRY_BASE_MS = 10;
// Serialization failure and deadlock: PostgreSQL has rolled back, and the transaction can run again.
const RETRIABLE = new Set(['40001', '40P01']);

/**
 * Runs `work` in one transaction, and again after a deadlock or serialization failure. `work` must use nothing but this
 * transaction, and never the network.
 */
export async function transaction<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction(work);
    } catch (error) {
      if (attempt >= MAX_TRIES || !isRetriable(error)) throw error;
      await sleep(RETRY_BASE_MS * attempt * (0.5 + Math.random()));
    }
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && RETRIABLE.has(String(error.code));
}
