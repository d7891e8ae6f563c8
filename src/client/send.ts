import { LatchkeyError } from './latchkey-error.ts';

/** A credential for Latchkey, or how to get one that is still good. */
export type Token = string | (() => string | Promise<string>);

export type ConnectionOptions = {
  /** Where Latchkey is, such as `http://127.0.0.1:3000`. */
  baseUrl: string;
  /** A service token, a machine token, a session's access token or an API key; a function is asked for every request. */
  token: Token;
  /** How long a request may take in all, in milliseconds; 5,000 unless said. */
  timeoutMs?: number | undefined;
  /** Stands in for the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
};

/** What any single request may be given. */
export type CallOptions = {
  /** Ends the request early; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
};

/** For requests that make something. */
export type CreateOptions = CallOptions & {
  /**
   * A name for this attempt, 1 to 255 characters: repeating the request with the same name and body gives the same
   * answer. The client repeats nothing by itself.
   */
  idempotencyKey?: string | undefined;
};

type Sent = CreateOptions & {
  query?: object | undefined;
  body?: unknown;
  /** For what needs no credential, and for whoever has none yet. */
  withoutToken?: boolean | undefined;
};

export type Send = <T>(method: string, path: string, sent?: Sent) => Promise<T>;

const DEFAULT_TIMEOUT_MS = 5_000;

/** Sends requests to one Latchkey, once each. Every failure of a request is a `LatchkeyError`. */
export function makeSend(options: ConnectionOptions): Send {
  const { token, timeoutMs = DEFAULT_TIMEOUT_MS, fetch = globalThis.fetch } = options;
  const base = readBaseUrl(options.baseUrl);
  return async function send<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const { signal, body } = sent;
    const headers = headersOf(sent.withoutToken ? undefined : await tokenOf(token), sent);
    try {
      const response = await fetch(`${base}${path}${queryOf(sent.query)}`, {
        method,
        headers,
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return readAnswer(response, await response.text()) as T;
    } catch (error) {
      if (error instanceof LatchkeyError) throw error;
      signal?.throwIfAborted();
      throw deadline.aborted
        ? new LatchkeyError('timeout', `Latchkey did not answer within ${timeoutMs} ms.`, { cause: error })
        : new LatchkeyError('unreachable', 'Latchkey cannot be reached.', { cause: error });
    }
  };
}

/** @throws TypeError for what is no address of HTTP */
export function readBaseUrl(baseUrl: string): string {
  const { protocol, origin, pathname, username } = new URL(baseUrl);
  if ((protocol !== 'http:' && protocol !== 'https:') || username !== '')
    throw new TypeError('baseUrl must be an http: or https: address without credentials.');
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** @throws TypeError for what cannot be a credential, without showing it */
export async function tokenOf(token: Token): Promise<string> {
  const value = typeof token === 'function' ? await token() : token;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new TypeError('The token for Latchkey must be a word of printable characters.');
  return value;
}

function headersOf(token: string | undefined, { body, idempotencyKey }: Sent): Record<string, string> {
  return {
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

function readAnswer(response: Response, text: string): unknown {
  const { status, headers } = response;
  const requestId = headers.get('x-request-id') ?? undefined;
  const answer = parse(text);
  if (response.ok && answer !== undefined) return answer;
  const error = errorIn(answer);
  if (response.ok || !error)
    throw new LatchkeyError('unreadable_answer', `This is no answer of Latchkey (status ${status}).`, {
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
