import { AppError } from '../errors.ts';

/**
 * Whether WorkOS did the work of a failed call. `refused`: it did not. `unknown`: it may have (a lost answer, a timeout,
 * a 5xx), so the caller must find out before assuming either.
 */
export type Outcome = 'refused' | 'unknown';

/**
 * `rejected`: WorkOS rejected the request. `unavailable`: it cannot be reached, or answers 5xx. `malformed`: its answer
 * cannot be read, which says nothing about its health. `limited`: it answered 429, or was not called because it had.
 */
export type FailureKind = 'rejected' | 'unavailable' | 'malformed' | 'limited';

export class WorkosFailure extends AppError {
  readonly kind: FailureKind;
  readonly outcome: Outcome;
  /** The status that WorkOS answered with; undefined when it did not answer. */
  readonly workosStatus: number | undefined;
  /** Seconds, from WorkOS's `Retry-After`. */
  readonly workosRetryAfter: number | undefined;

  constructor(kind: FailureKind, error: WorkosError, options: { outcome: Outcome; cause?: unknown }) {
    const { message, ...rest } = error;
    const details =
      kind === 'rejected'
        ? { workos: compact({ message, ...rest }) }
        : { retry_after: rest.retryAfter ?? RETRY_SECONDS };
    super(kind === 'rejected' ? 'workos_rejected' : 'workos_unavailable', MESSAGES[kind], {
      cause: options.cause,
      details,
    });
    this.kind = kind;
    this.outcome = options.outcome;
    this.workosStatus = rest.status;
    this.workosRetryAfter = rest.retryAfter;
  }
}

/** The fields of an error that WorkOS answered with. */
export type WorkosError = {
  status?: number | undefined;
  code?: string | undefined;
  message?: string | undefined;
  errors?: string[] | undefined;
  request_id?: string | undefined;
  retryAfter?: number | undefined;
};

const RETRY_SECONDS = 5;
const MESSAGES = {
  rejected: 'WorkOS rejected the request.',
  unavailable: 'WorkOS is unavailable. Try again shortly.',
  malformed: 'WorkOS sent an answer that cannot be read. Try again shortly.',
  limited: 'WorkOS limits our requests. Try again shortly.',
};

/** Returns for how many milliseconds WorkOS must not be called, when a rate limit is why the call failed. */
export function heldOffMs(error: unknown): number | undefined {
  if (!(error instanceof WorkosFailure) || error.kind !== 'limited') return undefined;
  return (error.retryAfterSeconds ?? RETRY_SECONDS) * 1_000;
}

function compact(error: WorkosError): Record<string, unknown> {
  return Object.fromEntries(Object.entries(error).filter(([, value]) => value !== undefined));
}
