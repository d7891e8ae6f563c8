import type * as Library from '@redis/client';
import type { Send } from './take-script.ts';
import { within } from '../within.ts';

type Options = {
  url: string;
  /** Proves that a server can serve: one that is loading or read-only answers and cannot. */
  prove: (send: Send) => Promise<unknown>;
  /** Called for the first attempt to connect, and for every change. `reason` holds no secret. */
  onChange: (open: boolean, reason: string | undefined) => void;
  commandMs?: number;
  connectMs?: number;
  /** How long to wait after a failure before connecting again. */
  pauseMs?: number;
};

export type RedisLink = {
  /** Resolves after the first attempt to connect, successful or not. */
  ready: Promise<void>;
  isOpen(): boolean;
  /** @throws any failure, after which the link is lost */
  run<T>(work: (send: Send) => Promise<T>): Promise<T>;
  close(): void;
};

const COMMAND_MS = 250;
const CONNECT_MS = 1_000;
const PAUSE_MS = 1_000;

/** The link was lost before anything was sent. */
export class RedisLost extends Error {
  override readonly name = 'RedisLost';
}

/**
 * Keeps one connection to Redis or Valkey, which is either open or lost. The first command that fails or is late loses
 * it, together with all commands under way. It reconnects in the background, so that no command waits for an attempt.
 */
export function openRedisLink(options: Options): RedisLink {
  const { onChange, commandMs = COMMAND_MS, pauseMs = PAUSE_MS } = options;
  const end = new AbortController();
  // Loaded on demand: a process without Redis saves 8 MB.
  let library: typeof Library | undefined;
  let client: Client | undefined;
  let reported: boolean | undefined;
  let retry: NodeJS.Timeout | undefined;

  function report(open: boolean, reason?: string): void {
    if (end.signal.aborted || reported === open) return;
    reported = open;
    onChange(open, reason);
  }

  /** Acts once for each connection: later failures of an abandoned one say nothing about the next. */
  function lose(failed: Client, error: unknown): void {
    failed.destroy();
    if (client !== failed) return;
    client = undefined;
    retryLater(error);
  }

  function retryLater(error: unknown): void {
    if (end.signal.aborted) return;
    report(false, reasonOf(error, library));
    retry = setTimeout(() => void open(), pauseMs).unref();
  }

  async function open(): Promise<void> {
    try {
      library ??= await import('@redis/client');
      client = await dial(library, options, lose, end.signal);
      report(true);
    } catch (error) {
      retryLater(error);
    }
  }

  async function run<T>(work: (send: Send) => Promise<T>): Promise<T> {
    const current = client;
    if (current === undefined) throw new RedisLost('the connection to Redis is lost');
    try {
      return await within(commandMs, work(sendTo(current)));
    } catch (error) {
      lose(current, error);
      throw error;
    }
  }

  function close(): void {
    end.abort();
    clearTimeout(retry);
    client?.destroy();
    client = undefined;
  }

  return { ready: open(), isOpen: () => client !== undefined, run, close };
}

/** @returns a proven client; `lose` is called when it fails later */
async function dial(
  library: typeof Library,
  { url, prove, connectMs = CONNECT_MS }: Options,
  lose: (failed: Client, error: unknown) => void,
  signal: AbortSignal,
): Promise<Client> {
  const client = makeClient(library, url, connectMs);
  client.on('error', (error) => lose(client, error));
  // The connection keeps no process alive.
  client.unref();
  const stop = () => client.destroy();
  signal.addEventListener('abort', stop);
  try {
    await within(connectMs, client.connect());
    await within(connectMs, prove(sendTo(client)));
    if (signal.aborted || !client.isReady) throw new RedisLost('closed meanwhile');
    return client;
  } catch (error) {
    client.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

type Client = ReturnType<typeof makeClient>;

function makeClient({ createClient }: typeof Library, url: string, connectTimeout: number) {
  return createClient({
    url,
    // Every Redis, Valkey and proxy speaks it; the answers are numbers.
    RESP: 2,
    maintNotifications: 'disabled',
    disableClientInfo: true,
    disableOfflineQueue: true,
    // The link has its own deadlines: the client's do not cover a command that is already sent.
    commandOptions: { timeout: 0 },
    socket: { connectTimeout, reconnectStrategy: false },
  });
}

function sendTo(client: Client): Send {
  return (command) => client.sendCommand(command);
}

/** Returns only the kind of failure: a server's message about an unknown command can repeat the password. */
function reasonOf(error: unknown, library: typeof Library | undefined): string {
  if (library && error instanceof library.ErrorReply) return /^[A-Z]+\b/.exec(error.message)?.[0] ?? 'ERR';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.constructor.name : 'unknown';
}
