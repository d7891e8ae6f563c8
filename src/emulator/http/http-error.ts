import type { Reply } from './route.ts';

type ErrorBody = { message: string } | { error: string; error_description: string };

/** An error answer. WorkOS has no single error shape, so each thrower gives its own body; a text is an HTML page. */
export class HttpError extends Error {
  readonly reply: Reply;

  constructor(status: number, body: ErrorBody | string, headers: Record<string, string> = {}) {
    super(typeof body === 'string' ? `status ${status}` : 'message' in body ? body.message : body.error_description);
    this.reply = { status, body, headers };
  }
}

export type FieldError = { field: string; code: string; message: string };

export const notFound = (kind: string, id: string): HttpError =>
  new HttpError(404, { message: `${kind} not found: '${id}'.` });

export const coded = (status: number, code: string, message: string, details: object = {}): HttpError => {
  const body = { code, message, ...details };
  return new HttpError(status, body);
};

/** Returns an error in the shape of RFC 6749, which WorkOS uses where OAuth has a code for the failure. */
export const oauthError = (status: number, error: string, description: string): HttpError =>
  new HttpError(status, { error, error_description: description });

/** Returns a 422 with every field that any of WorkOS's 422 bodies requires. */
export function invalidRequest(errors: readonly FieldError[], status = 422): HttpError {
  const body = { message: 'Validation failed.', code: 'invalid_request_parameters', errors };
  return new HttpError(status, body);
}
