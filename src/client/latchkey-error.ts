/**
 * The error of a request to Latchkey. `code` is the service's own (`api_key_not_found`, `billing_inactive`,
 * `rate_limited`, …), or one of three that the client sets: `unreachable` (no answer), `timeout` (no answer in time) and
 * `unreadable_answer` (the answer is not Latchkey's). It contains no secret.
 */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  readonly code: string;
  /** The HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** The id under which the service logged the request. */
  readonly requestId: string | undefined;
  /** Details such as `fields` (field → error) or `required_scopes`. */
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** Seconds to wait before a retry, from `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: string,
    message: string,
    more: {
      status?: number | undefined;
      requestId?: string | undefined;
      details?: Readonly<Record<string, unknown>> | undefined;
      retryAfterSeconds?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.status = more.status;
    this.requestId = more.requestId;
    this.details = more.details;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}
