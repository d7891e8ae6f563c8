import { z } from 'zod';
import { decodeAnswer } from './decode-answer.ts';
import { WorkosFailure } from '../failure.ts';
import type { WorkosSaid } from '../failure.ts';
import { MalformedAnswer } from './malformed-answer.ts';

const MAX_TEXT = 300;
const MAX_ERRORS = 10;
const MAX_RETRY_SECONDS = 60;
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED']);

/** An answer of WorkOS that is no success, with what the SDK's own errors leave out (fields, codes, body). */
export class WorkosAnswer extends Error {
  override readonly name = 'WorkosAnswer';
  readonly said: WorkosSaid & { status: number };

  // Of a sign-in it holds a secret: neither a log nor an inspection shows a private field.
  readonly #body: unknown;

  constructor(said: WorkosSaid & { status: number }, body?: unknown) {
    super(`WorkOS answered ${said.status}`);
    this.said = said;
    this.#body = body;
  }

  /** What the whole answer says, for whoever knows what it may be. */
  read<S extends z.ZodType>(schema: S): z.output<S> | undefined {
    return schema.safeParse(this.#body).data;
  }
}

/**
 * A `fetch` for the SDK that reads every charset and keeps WorkOS's whole error. The SDK wraps what this throws, with
 * itself as the cause.
 */
export function keepErrors(fetchFn: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await fetchFn(input, init);
    if (response.ok || (response.status >= 300 && response.status < 400)) return decodeAnswer(response);
    const body: unknown = await decodeAnswer(response)
      .then((answer) => answer.json())
      .catch(() => undefined);
    throw new WorkosAnswer(readError(response, body), body);
  };
}

/** What a failed call means for the work that was asked for. */
export function toFailure(error: unknown): WorkosFailure {
  const causes = [...causesOf(error)];
  const answer = causes.find((cause) => cause instanceof WorkosAnswer);
  if (answer) return fromAnswer(answer);
  const notSent = causes.some((cause) => cause instanceof Error && 'code' in cause && NOT_SENT.has(String(cause.code)));
  if (causes.some(isMalformed)) {
    const cause = causes.some(quotesAnswer) ? new Error('WorkOS answered what cannot be read') : error;
    return new WorkosFailure('malformed', {}, { outcome: 'unknown', cause });
  }
  return new WorkosFailure('unavailable', {}, { outcome: notSent ? 'refused' : 'unknown', cause: error });
}

function isMalformed(error: unknown): boolean {
  return quotesAnswer(error) || error instanceof z.ZodError || error instanceof MalformedAnswer;
}

// An answer that cannot be read may hold a new key's secret: the SDK's error keeps all of it, the parser's quotes a part.
function quotesAnswer(error: unknown): boolean {
  return error instanceof SyntaxError || (error instanceof Error && 'rawBody' in error);
}

function fromAnswer(answer: WorkosAnswer): WorkosFailure {
  const { status, retryAfter } = answer.said;
  if (status === 429)
    return new WorkosFailure('limited', { status, retryAfter }, { outcome: 'refused', cause: answer });
  if (status === 408 || status >= 500) {
    return new WorkosFailure('unavailable', { status, retryAfter }, { outcome: 'unknown', cause: answer });
  }
  return new WorkosFailure('rejected', answer.said, { outcome: 'refused', cause: answer });
}

function* causesOf(error: unknown): Generator {
  let current = error;
  for (let depth = 0; current !== undefined && depth < 8; depth++) {
    yield current;
    if (current instanceof AggregateError) yield* current.errors;
    current = current instanceof Error ? current.cause : undefined;
  }
}

function readError(response: Response, body: unknown): WorkosSaid & { status: number } {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const errors = Array.isArray(fields['errors']) ? fields['errors'].slice(0, MAX_ERRORS).map(describeError) : undefined;
  return {
    status: response.status,
    code: text(fields['code'] ?? fields['error']),
    message: text(fields['message'] ?? fields['error_description']),
    errors,
    request_id: text(response.headers.get('x-request-id')),
    retryAfter: retryAfterSeconds(response.headers.get('retry-after')),
  };
}

function describeError(item: unknown): string {
  if (typeof item !== 'object' || item === null) return text(item) ?? '';
  const { field, code, message } = item as Record<string, unknown>;
  return [field, code, message].map(text).filter(Boolean).join(': ');
}

// WorkOS may quote what it was sent; a key in it is a secret all the same.
function text(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return value.replaceAll(/\b(sk|wos_api_key)_\w+/g, '$1_…').slice(0, MAX_TEXT);
}

function retryAfterSeconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d{1,9}$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1_000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), MAX_RETRY_SECONDS);
}
