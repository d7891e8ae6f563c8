import type * as Library from '@redis/client';
import type { Send } from './take-script.ts';
import { within } from '../within.ts';

type Options = {
  url: string;
  /** What a server must do before it counts as there. One may answer and yet not serve: it loads, or takes no writes. */
  prove: (send: Send) => Promise<unknown>;
  /** Told of every change, first of what became of the first attempt. `reason` holds no secret. */
  onChange: (open: boolean, reason: string | undefined) => void;
  commandMs?: number;
  connectMs?: number;
  /** How long after a failure the connection is tried again. */
  pauseMs?: number;
};

export type RedisLink = {
  /** Settled after the first attempt to connect, whatever came of it. */
  ready: Promise<void>;
  isOpen(): boolean;
  /** @throws whatever went wrong, after which the connection is lost */
  run<T>(work: (send: Send) => Promise<T>): Promise<T>;
  close(): void;
};

const COMMAND_MS = 250;
const CONNECT_MS = 1_000;
const PAUSE_MS = 1_000;

/** Nothing was sent. */
export class RedisLost extends Error {
  override readonly name = 'RedisLost';
}

/**
 * One connection to Redis or Valkey that is open or lost, never in between. The first command that fails or comes back
 * late loses it, and with it every command under way. It is opened again in the background, so that no command waits
 * for a trial.
 */
export function openRedisLink(options: Options): RedisLink {
  const { onChange, commandMs = COMMAND_MS, pauseMs = PAUSE_MS } = options;
  const end = new AbortController();
  // Loaded where it is needed: a process without a Redis is spared 8 MB.
  let library: typeof Library | undefined;
  let client: Client | undefined;
  let told: boolean | undefined;
  let pause: NodeJS.Timeout | undefined;

  function tell(open: boolean, reason?: string): void {
    if (end.signal.aborted || told === open) return;
    told = open;
    onChange(open, reason);
  }

  /** Once for each connection: a later failure of one that was given up says nothing of the next. */
  function lose(failed: Client, error: unknown): void {
    failed.destroy();
    if (client !== failed) return;
    client = undefined;
    tryLater(error);
  }

  function tryLater(error: unknown): void {
    if (end.signal.aborted) return;
    tell(false, reasonOf(error, library));
    pause = setTimeout(() => void open(), pauseMs).unref();
  }

  async function open(): Promise<void> {
    try {
      library ??= await import('@redis/client');
      client = await dial(library, options, lose, end.signal);
      tell(true);
    } catch (error) {
      tryLater(error);
    }
  }

  async function run<T>(work: (send: Send) => Promise<T>): Promise<T> {
    const current = client;
    if (current === undefined) throw new RedisLost('the connection is lost');
    try {
      return await within(commandMs, work(sendTo(current)));
    } catch (error) {
      lose(current, error);
      throw error;
    }
  }

  function close(): void {
    end.abort();
    clearTimeout(pause);
    client?.destroy();
    client = undefined;
  }

  return { ready: open(), isOpen: () => client !== undefined, run, close };
}

/** @returns a client that has proved itself; `lose` is told when it fails later */
async function dial(
  library: typeof Library,
  { url, prove, connectMs = CONNECT_MS }: Options,
  lose: (failed: Client, error: unknown) => void,
  signal: AbortSignal,
): Promise<Client> {
  const client = makeClient(library, url, connectMs);
  client.on('error', (error) => lose(client, error));
  // A process that has nothing else to do ends.
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
    // Spoken by every Redis, Valkey and proxy; the answers are numbers.
    RESP: 2,
    maintNotifications: 'disabled',
    disableClientInfo: true,
    disableOfflineQueue: true,
    // Deadlines are ours: the client's own covers no command that is already sent.
    commandOptions: { timeout: 0 },
    socket: { connectTimeout, reconnectStrategy: false },
  });
}

function sendTo(client: Client): Send {
  return (command) => client.sendCommand(command);
}

/** Only the kind of failure: what a server says of a command that it does not know repeats the password. */
function reasonOf(error: unknown, library: typeof Library | undefined): string {
  if (library && error instanceof library.ErrorReply) return /^[A-Z]+\b/.exec(error.message)?.[0] ?? 'ERR';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.constructor.name : 'unknown';
}
