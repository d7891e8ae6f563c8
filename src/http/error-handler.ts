import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import type { Caller } from './caller.ts';
import { traceField } from './server/traceparent.ts';
import { OWN_FORM } from './envelope.ts';
import type { ErrorForm } from './envelope.ts';
import { requestIdOf } from './request-id.ts';

type Locals = { form?: ErrorForm; caller?: Caller; mapRefusals?: boolean };

type Deps = { log: Pick<Logger, 'error' | 'warn'>; isDatabaseUnavailable: (error: unknown) => boolean };

const DATABASE_RETRY_SECONDS = 2;

/** Answers any thrown value as an error envelope. An unexpected one is logged, and its answer reveals nothing. */
export function makeErrorHandler({ log, isDatabaseUnavailable }: Deps): ErrorRequestHandler {
  // Express knows it by its four parameters.
  return (error: unknown, req, res, _next) => {
    const known = toAppError(error, isDatabaseUnavailable);
    const at = { request_id: requestIdOf(res), ...traceField(req, res) };
    if (known.code === 'internal_error') log.error({ err: error, ...at }, 'unhandled error');
    if (known.code === 'database_unavailable') log.warn({ err: error, ...at }, 'database unavailable');
    // The answer has begun: only a closed connection tells the client that it is not whole.
    if (res.headersSent) res.destroy();
    else sendError(res, known);
  };
}

export function sendError(res: Response, error: AppError): void {
  if (error.retryAfterSeconds !== undefined) res.setHeader('retry-after', String(Math.ceil(error.retryAfterSeconds)));
  res.locals['errorCode'] = error.code;
  const { form = OWN_FORM, caller, mapRefusals } = res.locals as Locals;
  const { status, body } = form.present(error, { requestId: requestIdOf(res), caller: caller?.kind });
  res.status(mapRefusals === true ? forProxies(error, status) : status).json(body);
}

/**
 * Returns the status for proxies that pass on 401 and 403 alone, whatever statuses the product's form has.
 * @param status of the form, which stays for what is no refusal
 */
export function forProxies({ status: own }: AppError, status: number): number {
  if (own < 401 || own >= 500) return status;
  return own === 401 ? 401 : 403;
}

function toAppError(error: unknown, isDatabaseUnavailable: Deps['isDatabaseUnavailable']): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseUnavailable(error)) {
    return new AppError('database_unavailable', 'The database cannot be reached now. Try again shortly.', {
      cause: error,
      details: { retry_after: DATABASE_RETRY_SECONDS },
    });
  }
  if (isMalformedRequest(error)) {
    return new AppError('validation_error', 'The path of the request cannot be decoded.', {
      cause: error,
      details: { fields: { path: 'This is not valid percent-encoding.' } },
    });
  }
  return new AppError('internal_error', 'Something went wrong on our side. Report the request_id if it goes on.', {
    cause: error,
  });
}

// Express marks a path that does not decode as a URIError with status 400.
function isMalformedRequest(error: unknown): boolean {
  return error instanceof URIError && 'status' in error && error.status === 400;
}
