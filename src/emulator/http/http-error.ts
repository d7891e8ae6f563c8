import type { Reply } from './route.ts';

type ErrorBody = { message: string } | { error: string; error_description: string };

/** An answer that ends the work at once. WorkOS has no single error shape, so each thrower gives its own body; a text is a page for a person. */
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

/** The shape of RFC 6749, which WorkOS uses where OAuth has a word for the failure. */
export const oauthError = (status: number, error: string, description: string): HttpError =>
  new HttpError(status, { error, error_description: description });

/** Carries every field that one of WorkOS's several 422 bodies requires. */
export function invalidRequest(errors: readonly FieldError[], status = 422): HttpError {
  const body = { message: 'Validation failed.', code: 'invalid_request_parameters', errors };
  return new HttpError(status, body);
}
