import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { SERVER_IDENTITY } from './database-server.ts';
import type { DatabaseServer } from './database-server.ts';

type Options = {
  /** The server that the pool uses, too. */
  server: Pick<DatabaseServer, 'find' | 'follow' | 'doubt'>;
  channel: string;
  onNotification: (payload: string | undefined) => void;
  /** Called when the connection is made, before anything else. */
  begin: () => void;
  /** Checks the database on this connection; a rejection ends the connection. */
  heartbeat: (ask: Ask) => Promise<void>;
  /** Called when the channel is open: no notification is missed until `onLost`. */
  onOpen: () => void;
  /** Called when the channel is lost: notifications may have been missed since shortly before. */
  onLost: () => void;
  log: Pick<Logger, 'warn' | 'info'>;
};

/** Runs one statement. */
type Ask = (sql: string, values: readonly unknown[]) => Promise<Record<string, unknown>[]>;

export type Listener = { close(): Promise<void> };

const CONNECT_TIMEOUT_MS = 3_000;
const HEARTBEAT_MS = 500;
/** A silently cut connection is noticed after this plus a heartbeat. */
const ANSWER_MS = 1_500;
const RECONNECT_BASE_MS = 100;
const RECONNECT_MAX_MS = 1_000;

/** Listens on a notification channel, on a connection of its own; reconnects whenever that is lost. */
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

/** @returns whether the channel was open at all */
async function listenOnce(options: Options, signal: AbortSignal): Promise<boolean> {
  const { server, channel, begin, heartbeat, onOpen, onLost, log } = options;
  let connection: Connection | undefined;
  let opened = false;
  try {
    connection = await connect(options);
    const { client, ended } = connection;
    server.follow(connection.identity);
    const check = () => heartbeat(async (sql, values) => (await client.query(sql, [...values])).rows);
    begin();
    await check();
    opened = true;
    onOpen();
    await repeat(check, ended, signal);
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

/** Connects and opens the channel. */
async function connect({ server, channel, onNotification }: Options): Promise<Connection> {
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
    client.on('notification', ({ payload }) => onNotification(payload));
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    const { rows } = await client.query<{ identity: string }>(SERVER_IDENTITY);
    return { client, ended, identity: rows[0]!.identity };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** Resolves when aborted; rejects when the connection no longer answers. */
async function repeat(check: () => Promise<void>, ended: Promise<void>, signal: AbortSignal): Promise<void> {
  const lost = ended.then(() => {
    throw new Error('LISTEN connection ended');
  });
  lost.catch(() => undefined);
  while (!signal.aborted) {
    await Promise.race([lost, sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => undefined)]);
    if (!signal.aborted) await check();
  }
}
