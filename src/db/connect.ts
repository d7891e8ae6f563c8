import knex from 'knex';
import type { Knex } from 'knex';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { StartError } from '../errors.ts';
import { isStandby, makeDatabaseServer } from './database-server.ts';
import type { DatabaseServer } from './database-server.ts';
import { READ_ONLY } from './pg-errors.ts';
import { guardConnections } from './guard-connections.ts';

type Options = {
  url: string;
  /** Chooses among the servers in `url`; shared with the `LISTEN` connection. */
  server?: DatabaseServer;
  poolMax: number;
  /** Null for no limit, as migrations need. */
  statementTimeoutMs?: number | null;
  /** Off where a test steps from statement to statement. */
  pipelines?: boolean;
  log?: Pick<Logger, 'warn' | 'error' | 'debug'>;
};

const CONNECT_TIMEOUT_MS = 3_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 5_000;
/** The server itself ends a slow statement. After this much longer without an answer the connection is dead. */
const SILENCE_MS = 2_000;
const READ_TIMEOUT = 'Query read timeout';

/** Opens a pool of connections to PostgreSQL. Every wait has a deadline, so that a slow database is a 503 and no hang. */
export function connectDatabase({
  url,
  server = makeDatabaseServer(url),
  poolMax,
  log,
  pipelines = true,
  ...options
}: Options): Knex {
  const guarded = guardConnections(server, { pipelines });
  const db = knex({
    client: 'pg',
    connection: async () => {
      const connectionString = await server.find();
      return {
        ...settingsOf(options.statementTimeoutMs),
        connectionString,
        pipeline: pipelines,
        expirationChecker: () => server.isElsewhere(connectionString),
      };
    },
    pool: {
      min: 0,
      max: poolMax,
      acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS,
      propagateCreateError: false,
      ...guarded.callbacks,
    },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    ...(log && { log: knexLog(log) }),
  });
  // In the pool, a silent connection would stall the next query too, and one to a standby would fail it.
  db.on('query-error', ({ message, code }: Error & { code?: string }, { __knexUid: uid }: { __knexUid: string }) => {
    if (message === READ_TIMEOUT || code === READ_ONLY) guarded.end(uid);
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

/** Connects once without the pool, whose error would only be a timeout. */
export async function connectOnce(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  try {
    await client.connect();
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Connects once without the pool, whose error would only be a timeout.
 * @throws StartError with the reason
 */
export async function assertReachable(
  url: string,
  server: Pick<DatabaseServer, 'find'> = makeDatabaseServer(url),
): Promise<void> {
  let client: Client | undefined;
  try {
    client = new Client({ connectionString: await server.find(), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    await client.connect();
    if (await isStandby(client)) throw new Error('it is a standby, which takes no writes');
  } catch (error) {
    // A refused connection is an AggregateError with an empty message; its parts have the reasons.
    const parts: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const reasons = parts.map((part) => (part instanceof Error ? part.message : String(part)));
    throw new StartError(`The database cannot be reached: ${reasons.join('; ')}`, { cause: error });
  } finally {
    await client?.end().catch(() => undefined);
  }
}

// Without it, knex writes coloured text between the JSON lines of standard output.
function knexLog(log: Pick<Logger, 'warn' | 'error' | 'debug'>) {
  return {
    warn: (message: unknown) => log.warn({ detail: message }, 'knex warning'),
    error: (message: unknown) => log.error({ detail: message }, 'knex error'),
    debug: (message: unknown) => log.debug({ detail: message }, 'knex debug'),
    deprecate: (message: unknown) => log.debug({ detail: message }, 'knex deprecation'),
  };
}
