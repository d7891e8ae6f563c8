import type { Answer, Fetch } from './fetch.ts';
import { LatchkeyError } from './latchkey-error.ts';

/** A credential for Latchkey, or a function that returns a current one. */
export type Token = string | (() => string | Promise<string>);

export type ConnectionOptions = {
  /** The URL of Latchkey, such as `http://127.0.0.1:3000`. */
  baseUrl: string;
  /**
   * A service token, a machine token, a session's access token or an API key; a function is called for every request.
   * Null sends no `Authorization`: in a browser, on Latchkey's own origin, the session's cookie goes along instead.
   */
  token: Token | null;
  /** The timeout of a request in milliseconds; 5,000 by default. */
  timeoutMs?: number | undefined;
  /** Replaces the global `fetch`. */
  fetch?: Fetch | undefined;
};

/** Options of a single request. */
export type CallOptions = {
  /** Ends the request early; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
};

/** Options of a request that creates something. */
export type CreateOptions = CallOptions & {
  /**
   * An idempotency key of 1 to 255 characters: a retry with the same key and body returns the same answer. The client
   * retries nothing by itself.
   */
  idempotencyKey?: string | undefined;
};

/** Options of a request whose answer is a long text. */
export type TextOptions = CallOptions & {
  /** Reads the answer, such as piece by piece as it comes; the call resolves to what this does. */
  read?: ((answer: Answer) => Promise<string>) | undefined;
};

type Sent = CreateOptions &
  TextOptions & {
    query?: object | undefined;
    body?: unknown;
    /** For routes that need no credential, or another one in `headers`. */
    withoutToken?: boolean | undefined;
    headers?: Record<string, string> | undefined;
    /** The answer is text, not JSON. */
    isText?: boolean | undefined;
  };

export type Send = <T>(method: string, path: string, sent?: Sent) => Promise<T>;

const DEFAULT_TIMEOUT_MS = 5_000;

/** Creates the function that sends one request to Latchkey. Every failure is a `LatchkeyError`. */
export function makeSend(options: ConnectionOptions): Send {
  const { token, timeoutMs = DEFAULT_TIMEOUT_MS, fetch = globalThis.fetch } = options;
  const base = readBaseUrl(options.baseUrl);
  return async function send<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const { signal, body } = sent;
    const headers = headersOf(sent.withoutToken || token === null ? undefined : await tokenOf(token), sent);
    try {
      const response = await fetch(`${base}${path}${queryOf(sent.query)}`, {
        method,
        headers,
        redirect: 'error',
        ...(token === null && { credentials: 'same-origin' }),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await (response.ok && sent.read ? sent.read(response) : response.text());
      return (sent.isText && response.ok ? text : readAnswer(response, text)) as T;
    } catch (error) {
      if (error instanceof LatchkeyError) throw error;
      signal?.throwIfAborted();
      throw deadline.aborted
        ? new LatchkeyError('timeout', `Latchkey did not answer within ${timeoutMs} ms.`, { cause: error })
        : new LatchkeyError('unreachable', 'Latchkey cannot be reached. Check baseUrl and the network.', {
            cause: error,
          });
    }
  };
}

/** @throws TypeError for a URL that is not http: or https:, or has credentials */
export function readBaseUrl(baseUrl: string): string {
  const { protocol, origin, pathname, username } = new URL(baseUrl);
  if ((protocol !== 'http:' && protocol !== 'https:') || username !== '')
    throw new TypeError('baseUrl must be an http: or https: URL without credentials.');
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** @throws TypeError for a malformed credential; the message does not show it */
export async function tokenOf(token: Token): Promise<string> {
  const value = typeof token === 'function' ? await token() : token;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new TypeError('The token for Latchkey must be printable ASCII without spaces.');
  return value;
}

function headersOf(token: string | undefined, { body, idempotencyKey, headers }: Sent): Record<string, string> {
  return {
    ...headers,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    accept: 'application/json',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
  };
}

function queryOf(query: object | undefined): string {
  const entries = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

function readAnswer(response: Answer, text: string): unknown {
  const { status, headers } = response;
  const requestId = headers.get('x-request-id') ?? undefined;
  const answer = parse(text);
  if (response.ok && answer !== undefined) return answer;
  const error = errorIn(answer);
  if (response.ok || !error)
    throw new LatchkeyError('unreadable_answer', `The answer is not from Latchkey (status ${status}). Check baseUrl.`, {
      status,
      requestId,
    });
  const wait = Number(headers.get('retry-after') ?? Number.NaN);
  throw new LatchkeyError(error.code, error.message, {
    status,
    requestId,
    details: error.details,
    retryAfterSeconds: Number.isFinite(wait) ? wait : undefined,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Described = { code: string; message: string; details?: Record<string, unknown> };

function errorIn(answer: unknown): Described | undefined {
  const error = (answer as { error?: Partial<Described> } | null | undefined)?.error;
  return typeof error?.code === 'string' && typeof error.message === 'string' ? (error as Described) : undefined;
}
