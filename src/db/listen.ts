import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from 'pino';

type Options = {
  url: string;
  channel: string;
  onNotice: (payload: string | undefined) => void;
  /** The channel is open: from here on nothing is missed until `onLost`. */
  onOpen: () => void;
  /** The channel is lost: notices may have been missed since shortly before. */
  onLost: () => void;
  log: Pick<Logger, 'warn' | 'info'>;
};

export type Listener = { close(): Promise<void> };

const CONNECT_TIMEOUT_MS = 3_000;
/** A connection that is cut without a word is noticed within two of these. */
const HEARTBEAT_MS = 1_000;
const RECONNECT_BASE_MS = 100;
const RECONNECT_MAX_MS = 5_000;

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
  const { url, channel, onNotice, onOpen, onLost, log } = options;
  const client = new Client({
    connectionString: url,
    application_name: 'latchkey listener',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: HEARTBEAT_MS,
    keepAlive: true,
  });
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
    client.once('error', () => resolve());
  });
  let opened = false;
  try {
    await client.connect();
    client.on('notification', ({ payload }) => onNotice(payload));
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    opened = true;
    onOpen();
    await beat(client, ended, signal);
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error, channel }, 'the channel of notices was lost and is opened again');
  } finally {
    if (opened) onLost();
    await client.end().catch(() => undefined);
  }
  return opened;
}

/** Resolves when it is time to stop; rejects when the connection does not answer any more. */
async function beat(client: Client, ended: Promise<void>, signal: AbortSignal): Promise<void> {
  const lost = ended.then(() => {
    throw new Error('the connection ended');
  });
  lost.catch(() => undefined);
  while (!signal.aborted) {
    await Promise.race([lost, sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => undefined)]);
    if (!signal.aborted) await client.query('select 1');
  }
}
