import knex from 'knex';
import type { Knex } from 'knex';

type Options = { url: string; poolMax: number };

const CONNECT_TIMEOUT_MS = 3_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 5_000;

/** A pool of connections to PostgreSQL. Every wait on it has a deadline, so that a sick database is a 503 and no hang. */
export function connectDatabase({ url, poolMax }: Options): Knex {
  return knex({
    client: 'pg',
    connection: {
      connectionString: url,
      application_name: 'latchkey',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
      keepAlive: true,
    },
    pool: { min: 0, max: poolMax, acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS, propagateCreateError: false },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
  });
}
