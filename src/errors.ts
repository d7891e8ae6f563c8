/**
 * Every error code that the API answers, with its HTTP status, what it means and what the client does about it. Closed:
 * clients may switch on it. docs/reference/error-codes.md is made of this.
 */
export const ERRORS = {
  validation_error: {
    status: 400,
    meaning: 'The path, query, headers or body of the request are not as documented.',
    remedy: 'Correct the request; `details.fields` names each wrong field and what is wrong with it.',
  },
  credential_missing: {
    status: 401,
    meaning: 'The request carries no credential of a kind that this route takes.',
    remedy: 'Send one, such as `Authorization: Bearer …`.',
  },
  credential_invalid: {
    status: 401,
    meaning: 'The credential is unknown, revoked, forged, of another environment, or its signature does not match.',
    remedy: 'Sign in again or use another key; do not repeat the request.',
  },
  credential_expired: {
    status: 401,
    meaning: 'The session, token or API key has expired.',
    remedy: 'Renew the session, request a new token, or create a new key.',
  },
  credential_suspended: {
    status: 401,
    meaning: 'The API key is suspended.',
    remedy: 'Have the key resumed, or use another one; do not repeat the request before.',
  },
  permission_denied: {
    status: 403,
    meaning: 'The credential is good and may not do this: a scope is missing, or this kind of caller is not allowed.',
    remedy:
      'Use a credential with the scope; `details.missing_scopes` names what is missing, where that is the reason.',
  },
  ip_not_allowed: {
    status: 403,
    meaning: "The client's address is not on the organization's or the key's IP allow list.",
    remedy: 'Call from an allowed address, or add `details.address` to the list.',
  },
  route_not_found: {
    status: 404,
    meaning: 'No route has this path.',
    remedy: 'Compare the path with `/docs`.',
  },
  api_key_not_found: {
    status: 404,
    meaning: "The caller's organization has no such key, or the caller may not see it.",
    remedy: 'Check the id; a rotation gives the successor a new one.',
  },
  webhook_delivery_not_found: {
    status: 404,
    meaning: "The caller's organization has no such delivery of a webhook, or it is no longer kept.",
    remedy: 'List the deliveries; delivered ones are kept for 7 days, failed ones for 30.',
  },
  ci_policy_not_found: {
    status: 404,
    meaning: "The caller's organization has no such CI policy.",
    remedy: 'Check the id; `GET /v1/ci/policies` lists those there are.',
  },
  task_not_found: {
    status: 404,
    meaning: 'The key or its owner holds no such task: it has expired, was released, or ended with its key.',
    remedy: 'Take the task again, or stop the work.',
  },
  organization_not_found: {
    status: 404,
    meaning: 'There is no such organization, or the caller is not a member of it.',
    remedy: 'Check the id, and that WorkOS knows the organization.',
  },
  method_not_allowed: {
    status: 405,
    meaning: 'The path exists, the method does not.',
    remedy: 'Use a method of the `Allow` header.',
  },
  organization_choice_required: {
    status: 409,
    meaning: 'The person belongs to several organizations and named none.',
    remedy: 'Repeat with `organization_id` of `details.organizations` and `details.pending_authentication_token`.',
  },
  key_limit_reached: {
    status: 409,
    meaning: 'The organization or the person has as many active keys as allowed.',
    remedy: 'Revoke a key, or raise the limit of the plan.',
  },
  api_key_suspended: {
    status: 409,
    meaning: 'The key is suspended, and a suspended key cannot be rotated.',
    remedy: 'Resume the key, or create a new one.',
  },
  ci_token_used: {
    status: 409,
    meaning: 'The CI token was exchanged already; each is good for one key.',
    remedy: 'Request a new token from the CI, or repeat the same request with its `Idempotency-Key`.',
  },
  idempotency_key_reused: {
    status: 409,
    meaning: 'The `Idempotency-Key` belongs to an earlier, different request.',
    remedy: 'Use a new `Idempotency-Key` for each request that differs.',
  },
  request_in_progress: {
    status: 409,
    meaning: 'The first request with this `Idempotency-Key` is still running.',
    remedy: 'Repeat the same request shortly.',
  },
  delivery_not_replayable: {
    status: 409,
    meaning: 'The delivery is under way already, or its endpoint is no longer configured.',
    remedy: 'Read `details.reason`: wait for the attempts that are left, or have the operator configure the endpoint.',
  },
  payload_too_large: {
    status: 413,
    meaning: 'The body is longer than the route takes, 64 KiB unless documented otherwise.',
    remedy: 'Send less in one request.',
  },
  unsupported_media_type: {
    status: 415,
    meaning: 'The body is not JSON in UTF-8, or it is compressed in an unknown way.',
    remedy: 'Send `Content-Type: application/json`.',
  },
  billing_inactive: {
    status: 423,
    meaning: 'The billing posture of the organization does not allow this operation.',
    remedy: 'Settle the billing of the organization; `details.posture` says what it is.',
  },
  rate_limited: {
    status: 429,
    meaning: 'A rate limit is used up: of the key, the organization, the address, or of calls to WorkOS.',
    remedy: 'Wait the seconds of `Retry-After`, then repeat.',
  },
  concurrency_limited: {
    status: 429,
    meaning: 'Too many requests with this key, invalidation streams or exports are open at once.',
    remedy: 'Wait until one has ended, or the seconds of `Retry-After`, then repeat.',
  },
  task_limit_reached: {
    status: 429,
    meaning: 'The key or its owner holds as many tasks as the product allows.',
    remedy: 'Wait until one of `details.tasks` ends, or release one.',
  },
  internal_error: {
    status: 500,
    meaning: 'A defect of the service; the log has its cause under the request id.',
    remedy: 'Report it with `request_id`. Repeat a change only with the same `Idempotency-Key`.',
  },
  workos_rejected: {
    status: 502,
    meaning: 'WorkOS refused the request, or its answer is not of a known form.',
    remedy: "Look at `details.workos`; often a permission is missing from WorkOS's list for organization API keys.",
  },
  workos_unavailable: {
    status: 503,
    meaning: 'WorkOS cannot be reached, answers too late, or the circuit breaker is open.',
    remedy: 'Wait the seconds of `Retry-After`, then repeat.',
  },
  issuer_unavailable: {
    status: 503,
    meaning: 'The public keys of the issuer of a CI token, or of the sender of a leak report, cannot be fetched.',
    remedy: 'Wait the seconds of `Retry-After`, then repeat with the same token or report.',
  },
  database_unavailable: {
    status: 503,
    meaning: 'The database does not answer, or is not proven to be the primary.',
    remedy: 'Wait the seconds of `Retry-After`, then repeat.',
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetails = Readonly<Record<string, unknown>>;

export const ERROR_CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

export const ERROR_STATUS = Object.fromEntries(ERROR_CODES.map((code) => [code, ERRORS[code].status])) as {
  [Code in ErrorCode]: (typeof ERRORS)[Code]['status'];
};

/** An error that the caller can act on. Any other thrown value is a bug, answered as `internal_error`. */
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
    return ERRORS[this.code].status;
  }

  /** How long the client should wait, in seconds, if known; sent as `Retry-After`. */
  get retryAfterSeconds(): number | undefined {
    const seconds = this.details?.['retry_after'];
    return typeof seconds === 'number' ? seconds : undefined;
  }
}

/** A failure at start that the operator must fix. Its message is enough; no stack is shown. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
