import { z } from 'zod';
import { decodeAnswer } from './decode-answer.ts';
import { WorkosFailure } from '../failure.ts';
import type { WorkosError } from '../failure.ts';
import { MalformedAnswer } from './malformed-answer.ts';

const MAX_TEXT = 300;
const MAX_ERRORS = 10;
const MAX_RETRY_SECONDS = 60;
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED']);

/** An error answer of WorkOS, with what the SDK's own errors leave out (fields, codes, body). */
export class WorkosAnswer extends Error {
  override readonly name = 'WorkosAnswer';
  readonly error: WorkosError & { status: number };

  // The body of a sign-in holds a secret; a private field is in no log and no inspection.
  readonly #body: unknown;

  constructor(error: WorkosError & { status: number }, body?: unknown) {
    super(`WorkOS answered ${error.status}`);
    this.error = error;
    this.#body = body;
  }

  /** @returns undefined when the body does not match the schema */
  read<S extends z.ZodType>(schema: S): z.output<S> | undefined {
    return schema.safeParse(this.#body).data;
  }
}

/**
 * Wraps `fetch` for the SDK: reads every charset, and throws a `WorkosAnswer` with WorkOS's whole error, which the SDK
 * rethrows as the cause of its own.
 */
export function throwErrorAnswers(fetchFn: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await fetchFn(input, init);
    if (response.ok || (response.status >= 300 && response.status < 400)) return decodeAnswer(response);
    const body: unknown = await decodeAnswer(response)
      .then((answer) => answer.json())
      .catch(() => undefined);
    throw new WorkosAnswer(readError(response, body), body);
  };
}

/** Classifies the error of a failed call. */
export function toFailure(error: unknown): WorkosFailure {
  const causes = [...causesOf(error)];
  const answer = causes.find((cause) => cause instanceof WorkosAnswer);
  if (answer) return fromAnswer(answer);
  const notSent = causes.some((cause) => cause instanceof Error && 'code' in cause && NOT_SENT.has(String(cause.code)));
  if (causes.some(isMalformed)) {
    const cause = causes.some(quotesAnswer) ? new Error('unreadable answer of WorkOS') : error;
    return new WorkosFailure('malformed', {}, { outcome: 'unknown', cause });
  }
  return new WorkosFailure('unavailable', {}, { outcome: notSent ? 'refused' : 'unknown', cause: error });
}

function isMalformed(error: unknown): boolean {
  return quotesAnswer(error) || error instanceof z.ZodError || error instanceof MalformedAnswer;
}

// An unreadable answer may hold the secret of a new key: the SDK's error keeps all of it, the parser's quotes a part.
function quotesAnswer(error: unknown): boolean {
  return error instanceof SyntaxError || (error instanceof Error && 'rawBody' in error);
}

function fromAnswer(answer: WorkosAnswer): WorkosFailure {
  const { status, retryAfter } = answer.error;
  if (status === 429)
    return new WorkosFailure('limited', { status, retryAfter }, { outcome: 'refused', cause: answer });
  if (status === 408 || status >= 500) {
    return new WorkosFailure('unavailable', { status, retryAfter }, { outcome: 'unknown', cause: answer });
  }
  return new WorkosFailure('rejected', answer.error, { outcome: 'refused', cause: answer });
}

function* causesOf(error: unknown): Generator {
  let current = error;
  for (let depth = 0; current !== undefined && depth < 8; depth++) {
    yield current;
    if (current instanceof AggregateError) yield* current.errors;
    current = current instanceof Error ? current.cause : undefined;
  }
}

function readError(response: Response, body: unknown): WorkosError & { status: number } {
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

// WorkOS may quote the request in its message: secrets of keys are masked.
function text(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return value.replaceAll(/\b(sk|wos_api_key)_\w+/g, '$1_…').slice(0, MAX_TEXT);
}

function retryAfterSeconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d{1,9}$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1_000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), MAX_RETRY_SECONDS);
}
