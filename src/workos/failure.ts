import { AppError } from '../errors.ts';

/**
 * What is known of the work after a failed call. `refused`: WorkOS did not do it. `unknown`: it may have been done
 * (a lost answer, a timeout, a 5xx), so whoever asked must find out before believing either.
 */
export type Outcome = 'refused' | 'unknown';

/**
 * `rejected`: WorkOS refused. `unavailable`: it could not be reached, or is not well. `malformed`: it answered what cannot
 * be read, which says nothing of its health. `limited`: it wants fewer requests, or was not asked because it does.
 */
export type FailureKind = 'rejected' | 'unavailable' | 'malformed' | 'limited';

export class WorkosFailure extends AppError {
  readonly kind: FailureKind;
  readonly outcome: Outcome;
  /** WorkOS's own status, when it answered. */
  readonly workosStatus: number | undefined;
  /** Seconds that WorkOS asked to wait, when it did. */
  readonly saidRetryAfter: number | undefined;

  constructor(kind: FailureKind, said: WorkosSaid, options: { outcome: Outcome; cause?: unknown }) {
    const { message, ...rest } = said;
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
    this.saidRetryAfter = rest.retryAfter;
  }
}

export type WorkosSaid = {
  status?: number | undefined;
  code?: string | undefined;
  message?: string | undefined;
  errors?: string[] | undefined;
  request_id?: string | undefined;
  retryAfter?: number | undefined;
};

const RETRY_SECONDS = 5;
const MESSAGES = {
  rejected: 'WorkOS refused this.',
  unavailable: 'WorkOS cannot be reached now. Try again shortly.',
  malformed: 'WorkOS answered what cannot be read. Try again shortly.',
  limited: 'WorkOS wants fewer requests now. Try again shortly.',
};

/** For how many milliseconds WorkOS is to be left alone, if that is why a call failed. */
export function heldOffMs(error: unknown): number | undefined {
  if (!(error instanceof WorkosFailure) || error.kind !== 'limited') return undefined;
  return (error.retryAfterSeconds ?? RETRY_SECONDS) * 1_000;
}

function compact(said: WorkosSaid): Record<string, unknown> {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
