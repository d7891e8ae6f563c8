/**
 * What went wrong with a request to Latchkey. `code` is the service's own (`api_key_not_found`, `billing_inactive`,
 * `rate_limited`, …), or one of three that the client gives: `unreachable` (no answer came), `timeout` (none came in
 * time) and `unreadable_answer` (something else than Latchkey answered). No secret is in it.
 */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  readonly code: string;
  /** The HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** The id under which the service logged the request. */
  readonly requestId: string | undefined;
  /** What else is known, such as `fields` (field → what is wrong) or `required_scopes`. */
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** Seconds to wait before trying again, where the service said so. */
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
