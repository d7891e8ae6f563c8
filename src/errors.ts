/** Every error code the API can answer, with its HTTP status. Closed: clients may switch on it. */
export const ERROR_STATUS = {
  validation_error: 400,
  credential_missing: 401,
  credential_invalid: 401,
  credential_expired: 401,
  permission_denied: 403,
  ip_not_allowed: 403,
  route_not_found: 404,
  api_key_not_found: 404,
  organization_not_found: 404,
  method_not_allowed: 405,
  organization_choice_required: 409,
  key_limit_reached: 409,
  idempotency_key_reused: 409,
  request_in_progress: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  billing_inactive: 423,
  rate_limited: 429,
  concurrency_limited: 429,
  internal_error: 500,
  workos_rejected: 502,
  workos_unavailable: 503,
  database_unavailable: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;
export type ErrorDetails = Readonly<Record<string, unknown>>;

export const ERROR_CODES = Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]];

/** An outcome the caller may act on. Anything else that is thrown is a bug and is answered as `internal_error`. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }

  /** Seconds the client should wait, when the outcome says so; answered as `Retry-After` too. */
  get retryAfterSeconds(): number | undefined {
    const seconds = this.details?.['retry_after'];
    return typeof seconds === 'number' ? seconds : undefined;
  }
}

/** A failure at start that a person must mend: its message is all they need, no stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
