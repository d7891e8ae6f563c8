import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFramesReader } from './read-frames.ts';
import type { Frame } from './read-frames.ts';
import { tokenOf } from '../send.ts';
import type { Token } from '../send.ts';

type Options = {
  baseUrl: string;
  token: Token;
  /** Called when one key changed, or all of an organization. */
  onChange: (organizationId: string, keyId: string | undefined) => void;
  /** Called when any key may have changed. */
  onReset: () => void;
  onState: (open: boolean) => void;
};

export type InvalidationFeed = ReturnType<typeof followFeed>;

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_BASE_MS = 50;
const RECONNECT_MAX_MS = 5_000;
/** The stream counts as lost after so many intervals without a heartbeat. */
const MISSED_BEATS = 2.5;
const DEFAULT_HEARTBEAT_MS = 2_000;
const MAX_HEARTBEAT_MS = 60_000;

/**
 * Follows a Latchkey's stream of invalidations, and reconnects where it left off. Neither its connection nor its timers
 * keep the process alive.
 */
export function followFeed(options: Options) {
  const closing = new AbortController();
  const feed = makeFeedState(options);
  void followForever(options, feed, closing.signal);
  return {
    /** Whether the stream has delivered every change, except those in flight. */
    isOpen: feed.isOpen,
    /** When anything was last received, by the monotonic clock. */
    receivedAt: feed.receivedAt,
    close: (): void => closing.abort(),
  };
}

type FeedState = ReturnType<typeof makeFeedState>;

/** Creates the state of the stream. `isOpen` compares clocks at each use: a connection may be lost silently. */
function makeFeedState(options: Options) {
  let open = false;
  let receivedAt = -Infinity;
  let silenceMs = MISSED_BEATS * DEFAULT_HEARTBEAT_MS;
  let lastId: string | undefined;

  const setOpen = (value: boolean) => {
    if (open === value) return;
    open = value;
    options.onState(value);
  };
  return {
    isOpen: (now: number): boolean => open && now - receivedAt <= silenceMs,
    receivedAt: (): number => receivedAt,
    lastId: (): string | undefined => lastId,
    isSilent: (): boolean => performance.now() - receivedAt > silenceMs,
    touch(): void {
      receivedAt = performance.now();
    },
    /** @returns whether it was open */
    lose(): boolean {
      const wasOpen = open;
      setOpen(false);
      return wasOpen;
    },
    take({ id, event, data }: Frame): void {
      if (event === 'reset') options.onReset();
      if (event === 'invalidation') publish(options, data);
      if (event === 'reset' || event === 'hello') {
        silenceMs = MISSED_BEATS * heartbeatIn(data);
        setOpen(true);
      }
      // Set last: the id confirms that the event was handled.
      lastId = id ?? lastId;
    },
  };
}

async function followForever(options: Options, feed: FeedState, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    await followOnce(options, feed, signal).catch(() => undefined);
    if (feed.lose()) failures = 0;
    const pause = Math.min(RECONNECT_BASE_MS * 2 ** Math.min(failures, 10), RECONNECT_MAX_MS);
    await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Resolves or rejects when the stream ends. */
async function followOnce({ baseUrl, token }: Options, feed: FeedState, signal: AbortSignal): Promise<void> {
  const response = await responseTo(openRequest(baseUrl, await tokenOf(token), feed.lastId(), signal));
  const read = createFramesReader(feed.take);
  const look = () => feed.isSilent() && response.destroy();
  feed.touch();
  const silence = setInterval(look, DEFAULT_HEARTBEAT_MS).unref();
  try {
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      feed.touch();
      read(chunk);
    }
  } finally {
    clearInterval(silence);
    response.destroy();
  }
}

function openRequest(baseUrl: string, token: string, lastId: string | undefined, signal: AbortSignal): ClientRequest {
  const request = baseUrl.startsWith('https:') ? requestHttps : requestHttp;
  const outgoing = request(`${baseUrl}/v1/invalidations`, {
    agent: false,
    signal,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      ...(lastId !== undefined && { 'last-event-id': lastId }),
    },
  });
  outgoing.on('socket', (socket) => socket.unref());
  return outgoing;
}

async function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  const deadline = setTimeout(() => outgoing.destroy(new Error('no answer in time')), CONNECT_TIMEOUT_MS).unref();
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('error', reject);
      outgoing.once('response', resolve);
      outgoing.end();
    });
    if (response.statusCode === 200 && response.headers['content-type']?.startsWith('text/event-stream'))
      return response;
    response.destroy();
    throw new Error('not an event stream');
  } finally {
    clearTimeout(deadline);
  }
}

/** Reports a change; an unreadable one counts as a change of everything. */
function publish({ onChange, onReset }: Options, data: string): void {
  const { organization_id: organizationId, key_id: keyId } = parse(data);
  if (typeof organizationId !== 'string') onReset();
  else onChange(organizationId, typeof keyId === 'string' ? keyId : undefined);
}

function heartbeatIn(data: string): number {
  const ms = parse(data)['heartbeat_ms'];
  return typeof ms === 'number' && ms > 0 ? Math.min(ms, MAX_HEARTBEAT_MS) : DEFAULT_HEARTBEAT_MS;
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
