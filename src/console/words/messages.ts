import { LatchkeyError } from '../../client/client.ts';
import type { Text, Words } from './words.ts';

const MESSAGES: Readonly<Record<string, keyof Words>> = {
  validation_error: 'errorValidation',
  credential_missing: 'errorSession',
  credential_invalid: 'errorSession',
  credential_expired: 'errorSession',
  credential_suspended: 'errorSession',
  ip_not_allowed: 'errorIpNotAllowed',
  api_key_not_found: 'errorKeyNotFound',
  api_key_suspended: 'errorKeySuspended',
  ci_policy_not_found: 'errorPolicyNotFound',
  webhook_delivery_not_found: 'errorDeliveryNotFound',
  delivery_not_replayable: 'errorNotReplayable',
  organization_not_found: 'errorOrganizationNotFound',
  key_limit_reached: 'errorKeyLimit',
  idempotency_key_reused: 'errorIdempotency',
  request_in_progress: 'errorInProgress',
  billing_inactive: 'errorBilling',
  rate_limited: 'errorRateLimited',
  concurrency_limited: 'errorRateLimited',
  workos_rejected: 'errorWorkosRejected',
  workos_unavailable: 'errorWorkosUnavailable',
  database_unavailable: 'errorDatabase',
  internal_error: 'errorInternal',
  unreachable: 'errorUnreachable',
  timeout: 'errorTimeout',
  unreadable_answer: 'errorUnreadable',
};

/** A sentence for an error: what is wrong, then what to do. The server's own words, where there are no others. */
export function messageOf(error: unknown, { w, f }: Text): string {
  if (!(error instanceof LatchkeyError)) return w.errorUnknown;
  const missing = error.details?.['missing_scopes'];
  if (error.code === 'permission_denied' && Array.isArray(missing))
    return w.errorMissingScopes(f.list(missing as string[]));
  if (error.code === 'permission_denied' && error.details?.['impersonated'] === true) return w.errorImpersonated;
  // The id is no field of any form: a key is no longer what its form was opened for.
  if (error.code === 'validation_error' && fieldErrors(error)['id'] !== undefined) return w.errorKeyEnded;
  const word = MESSAGES[error.code];
  const text = word === undefined ? undefined : w[word];
  return typeof text === 'string' ? text : error.message;
}

/** The server's word on each field of a form. */
export function fieldErrors(error: unknown): Readonly<Record<string, string | undefined>> {
  const fields = error instanceof LatchkeyError ? error.details?.['fields'] : undefined;
  if (typeof fields !== 'object' || fields === null) return {};
  return Object.fromEntries(Object.entries(fields).map(([name, text]) => [name.split('.', 1)[0]!, String(text)]));
}
