import knex from 'knex';
import type { Knex } from 'knex';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { StartError } from '../errors.ts';
import { isStandby, makeDatabaseServer } from './database-server.ts';
import type { DatabaseServer } from './database-server.ts';
import { READ_ONLY } from './pg-errors.ts';
import { makePoolHooks } from './pool-hooks.ts';

type Options = {
  url: string;
  /** Which of the servers that `url` names; shared with what listens to changes. */
  server?: DatabaseServer;
  poolMax: number;
  /** Null for no limit: a migration may take as long as it takes. */
  statementTimeoutMs?: number | null;
  log?: Pick<Logger, 'warn' | 'error' | 'debug'>;
};

const CONNECT_TIMEOUT_MS = 3_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 5_000;
/** The server ends a statement itself; one that is not heard of this much later has no server any more. */
const SILENCE_MS = 2_000;
const READ_TIMEOUT = 'Query read timeout';

/** A pool of connections to PostgreSQL. Every wait on it has a deadline, so that a sick database is a 503 and no hang. */
export function connectDatabase({ url, server = makeDatabaseServer(url), poolMax, log, ...options }: Options): Knex {
  const pooled = makePoolHooks(server);
  const db = knex({
    client: 'pg',
    connection: async () => {
      const connectionString = await server.find();
      return {
        ...settingsOf(options.statementTimeoutMs),
        connectionString,
        expirationChecker: () => server.isElsewhere(connectionString),
      };
    },
    pool: {
      min: 0,
      max: poolMax,
      acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS,
      propagateCreateError: false,
      ...pooled.hooks,
    },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    ...(log && { log: knexLog(log) }),
  });
  // Back in the pool, a connection that went silent would let the next query wait just as long, and one to a standby
  // would fail again.
  db.on('query-error', ({ message, code }: Error & { code?: string }, { __knexUid: uid }: { __knexUid: string }) => {
    if (message === READ_TIMEOUT || code === READ_ONLY) pooled.end(uid);
    if (code === READ_ONLY) server.doubt();
  });
  return db;
}

function settingsOf(statementTimeoutMs: number | null = STATEMENT_TIMEOUT_MS) {
  return {
    application_name: 'latchkey',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...(statementTimeoutMs !== null && {
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + SILENCE_MS,
    }),
    keepAlive: true,
  };
}

/**
 * Connects once, before a pool is asked: the pool goes on trying and would only say that waiting took too long.
 * @throws StartError that says why the database cannot be reached
 */
export async function assertReachable(url: string, server = makeDatabaseServer(url)): Promise<void> {
  let client: Client | undefined;
  try {
    client = new Client({ connectionString: await server.find(), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    await client.connect();
    if (await isStandby(client)) throw new Error('it is a standby, which takes no writes');
  } catch (error) {
    // A refused connection is an AggregateError with an empty message; its parts say what happened.
    const parts: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const reasons = parts.map((part) => (part instanceof Error ? part.message : String(part)));
    throw new StartError(`The database cannot be reached: ${reasons.join('; ')}`, { cause: error });
  } finally {
    await client?.end().catch(() => undefined);
  }
}

// Without this, knex writes coloured text to standard output, between the JSON lines.
function knexLog(log: Pick<Logger, 'warn' | 'error' | 'debug'>) {
  return {
    warn: (message: unknown) => log.warn({ told: message }, 'knex warns'),
    error: (message: unknown) => log.error({ told: message }, 'knex fails'),
    debug: (message: unknown) => log.debug({ told: message }, 'knex'),
    deprecate: (message: unknown) => log.debug({ told: message }, 'knex deprecates'),
  };
}
