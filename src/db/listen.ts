import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { SERVER_IDENTITY } from './database-server.ts';
import type { DatabaseServer } from './database-server.ts';

type Options = {
  /** Shared with the pool. */
  server: Pick<DatabaseServer, 'find' | 'follow' | 'doubt'>;
  channel: string;
  onNotice: (payload: string | undefined) => void;
  /** A connection was made, before anything else. */
  begin: () => void;
  /** Looks at the database, on this connection; a rejection is the end of it. */
  heartbeat: (ask: Ask) => Promise<void>;
  /** The channel is open: from here on nothing is missed until `onLost`. */
  onOpen: () => void;
  /** The channel is lost: notices may have been missed since shortly before. */
  onLost: () => void;
  log: Pick<Logger, 'warn' | 'info'>;
};

/** Runs one statement. */
type Ask = (sql: string, values: readonly unknown[]) => Promise<Record<string, unknown>[]>;

export type Listener = { close(): Promise<void> };

const CONNECT_TIMEOUT_MS = 3_000;
const HEARTBEAT_MS = 500;
/** A connection that is cut without a word is noticed after this and a heartbeat. */
const ANSWER_MS = 1_500;
const RECONNECT_BASE_MS = 100;
const RECONNECT_MAX_MS = 1_000;

/** Listens on a channel with a connection of its own, for as long as it takes; comes back whenever it is lost. */
export function listenTo(options: Options): Listener {
  const closing = new AbortController();
  const running = listenForever(options, closing.signal);
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

async function listenForever(options: Options, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    const opened = await listenOnce(options, signal);
    if (opened) failures = 0;
    const pause =
      Math.min(RECONNECT_BASE_MS * 2 ** Math.min(failures, 10), RECONNECT_MAX_MS) * (0.5 + Math.random() / 2);
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns whether the channel was open for a while */
async function listenOnce(options: Options, signal: AbortSignal): Promise<boolean> {
  const { server, channel, begin, heartbeat, onOpen, onLost, log } = options;
  let connection: Connection | undefined;
  let opened = false;
  try {
    connection = await connect(options);
    const { client, ended } = connection;
    server.follow(connection.identity);
    const look = () => heartbeat(async (sql, values) => (await client.query(sql, [...values])).rows);
    begin();
    await look();
    opened = true;
    onOpen();
    await repeat(look, ended, signal);
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error, channel }, 'LISTEN connection lost; reconnecting');
    server.doubt();
  } finally {
    if (opened) onLost();
    await connection?.client.end().catch(() => undefined);
  }
  return opened;
}

type Connection = { client: Client; ended: Promise<void>; identity: string };

/** Connects and listens. */
async function connect({ server, channel, onNotice }: Options): Promise<Connection> {
  const client = new Client({
    connectionString: await server.find(),
    application_name: 'latchkey listener',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_MS,
    statement_timeout: ANSWER_MS,
    keepAlive: true,
  });
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
    client.once('error', () => resolve());
  });
  try {
    await client.connect();
    client.on('notification', ({ payload }) => onNotice(payload));
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    const { rows } = await client.query<{ identity: string }>(SERVER_IDENTITY);
    return { client, ended, identity: rows[0]!.identity };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** Resolves when it is time to stop; rejects when the connection does not answer any more. */
async function repeat(look: () => Promise<void>, ended: Promise<void>, signal: AbortSignal): Promise<void> {
  const lost = ended.then(() => {
    throw new Error('the connection ended');
  });
  lost.catch(() => undefined);
  while (!signal.aborted) {
    await Promise.race([lost, sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => undefined)]);
    if (!signal.aborted) await look();
  }
}
