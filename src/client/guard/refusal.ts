import { randomBytes } from 'node:crypto';
import type { Response } from 'express';
import type { CheckedKey } from './checked-keys.ts';
import { LatchkeyError } from '../latchkey-error.ts';
import type {
  Environment,
  Operation,
  Posture,
  RateLimitState,
  Verdict,
  VerdictCode,
  WantedEnvironment,
} from '../shapes.ts';

/** The answer to a refused request. */
export type Refusal = {
  status: number;
  code: string;
  message: string;
  details?: Readonly<Record<string, unknown>>;
};

const RETRY_SECONDS = 1;
const REQUEST_ID_HEADER = 'x-request-id';

export const MISSING: Refusal = {
  status: 401,
  code: 'credential_missing',
  message: 'This needs an API key. Send it in Authorization: Bearer or x-api-key.',
  details: { credential: 'none' },
};
export const INVALID: Refusal = {
  status: 401,
  code: 'credential_invalid',
  message: 'The credential is not valid.',
  details: { credential: 'api_key' },
};
export const TWO_KEYS: Refusal = {
  ...INVALID,
  message: 'There are two different credentials. Send one.',
  details: { credential: 'several' },
};
export const TOKEN_IN_QUERY: Refusal = {
  ...INVALID,
  message: 'A session token may not be in an address, where it is kept and logged. Send it in a header.',
  details: { credential: 'access_token' },
};
const EXPIRED: Refusal = {
  status: 401,
  code: 'credential_expired',
  message: 'The API key has expired. Use another one.',
  details: { credential: 'api_key' },
};
const SUSPENDED: Refusal = {
  status: 401,
  code: 'credential_suspended',
  message: 'The API key is suspended. Have it resumed, or use another one.',
  details: { credential: 'api_key' },
};
const NOT_ALLOWED: Refusal = { status: 403, code: 'permission_denied', message: 'The key may not be used for this.' };

const BY_VERDICT: Readonly<Record<string, Refusal>> = {
  not_found: INVALID,
  revoked: INVALID,
  expired: EXPIRED,
  suspended: SUSPENDED,
  ip_not_allowed: { ...NOT_ALLOWED, code: 'ip_not_allowed' },
};

/** Returns the answer for a verdict that is not `valid`. */
export function refusalOf(
  { code, retry_after: wait, rate_limit: rate, billing, scopes, environment }: Verdict,
  use: Use,
): Refusal {
  if (code === 'rate_limited')
    return limited(code, 'Too many requests with this API key. Wait before trying again.', wait, rate && limitOf(rate));
  if (code === 'concurrency_limited')
    return limited(code, 'Too many requests with this API key are in flight. Wait until one ends.', wait);
  if (code === 'workos_unavailable') return unknownNow(code, wait);
  if (code === 'environment_mismatch') return mismatch(environment, use.environment);
  if (code === 'insufficient_scope') return lacks(use.scopes, new Set(scopes));
  if (code === 'billing_inactive') return inactive(billing?.posture ?? 'unknown');
  return BY_VERDICT[code] ?? NOT_ALLOWED;
}

type Use = { environment: WantedEnvironment; scopes: readonly string[]; operation: Operation };

function limitOf({ limit, window_seconds, scope }: RateLimitState): Record<string, unknown> {
  return { limit, window_seconds, scope };
}

/** Decides whether a cached key is valid for a use now. @returns undefined when it is */
export function judge({ expiresAtMs, scopes, view, allows }: CheckedKey, use: Use, nowMs: number): Refusal | undefined {
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return EXPIRED;
  if (use.environment !== 'any' && view.environment !== use.environment)
    return mismatch(view.environment, use.environment);
  for (const scope of use.scopes) if (!scopes.has(scope)) return lacks(use.scopes, scopes);
  if (!allows.includes(use.operation)) return inactive(view.posture);
  return undefined;
}

const VERDICTS: Readonly<Record<string, VerdictCode>> = {
  credential_expired: 'expired',
  permission_denied: 'insufficient_scope',
};

/** Returns the verdict code of a refusal by `judge`, for the usage report. */
export function verdictOf({ code, details }: Refusal): VerdictCode {
  if (details?.['required_environment'] !== undefined) return 'environment_mismatch';
  return VERDICTS[code] ?? code;
}

function mismatch(environment: Environment | null, wanted: WantedEnvironment): Refusal {
  const message = `Use a key of the ${wanted} environment.`;
  return { status: 403, code: 'permission_denied', message, details: { environment, required_environment: wanted } };
}

function lacks(needed: readonly string[], scopes: ReadonlySet<string>): Refusal {
  const missing = needed.filter((scope) => !scopes.has(scope));
  const message = `The key lacks ${missing.join(' and ')}.`;
  return { status: 403, code: 'permission_denied', message, details: { required_scopes: needed } };
}

const REASONS: Partial<Record<Posture, string>> = {
  past_due: 'A payment is overdue.',
  decommissioning: 'This organization is being closed.',
  trial_expired: 'The trial has ended.',
  unknown: 'Billing does not know this organization yet.',
};

function inactive(posture: Posture): Refusal {
  const message = REASONS[posture] ?? 'Billing does not allow this now.';
  return { status: 423, code: 'billing_inactive', message, details: { posture } };
}

function limited(code: string, message: string, wait: number | null, rate?: Record<string, unknown> | null): Refusal {
  return { status: 429, code, message, details: { retry_after: wait ?? RETRY_SECONDS, ...rate } };
}

/** The answer while Latchkey is unavailable: only Latchkey may accept a key. */
export function unavailable(error: unknown): Refusal {
  const known = error instanceof LatchkeyError && error.status === 503 ? error.code : 'verification_unavailable';
  return unknownNow(known, error instanceof LatchkeyError ? error.retryAfterSeconds : undefined);
}

function unknownNow(code: string, seconds: number | null | undefined): Refusal {
  const message = 'The API key cannot be verified now. Try again shortly.';
  return { status: 503, code, message, details: { retry_after: seconds ?? RETRY_SECONDS } };
}

/** Answers with Latchkey's own envelope. */
export function sendRefusal(res: Response, { status, code, message, details }: Refusal): void {
  const requestId = String(res.getHeader(REQUEST_ID_HEADER) ?? `req_${randomBytes(12).toString('hex')}`);
  const wait = details?.['retry_after'];
  res.setHeader(REQUEST_ID_HEADER, requestId);
  res.setHeader('cache-control', 'no-store');
  if (typeof wait === 'number') res.setHeader('retry-after', String(Math.ceil(wait)));
  res.status(status).json({ error: { code, message, request_id: requestId, ...(details && { details }) } });
}
