import { refusalOf as billingRefusal } from '../billing/gate.ts';
import { AppError } from '../errors.ts';
import { ipNotAllowed } from '../ip/ip-match.ts';
import type { Decision } from './decide.ts';
import type { Use } from './judge.ts';
import { limitError } from './limit-answer.ts';

/** Returns the error that a caller gets for a decision; undefined for a valid key. */
export function refusalOf({ code, resolved, taken, billing }: Decision, use: Use): AppError | undefined {
  if (taken?.refused !== undefined) return limitError(taken);
  switch (code) {
    case 'valid':
      return undefined;
    case 'environment_mismatch':
      return new AppError('permission_denied', `Use a key of the ${use.environment} environment.`, {
        details: { environment: resolved?.record.environment, required_environment: use.environment },
      });
    case 'ip_not_allowed':
      return ipNotAllowed(use.ip);
    case 'insufficient_scope':
      return lacks(
        'key',
        use.scopes.filter((scope) => !resolved?.record.scopes.has(scope)),
        use.scopes,
      );
    case 'billing_inactive':
      return billingRefusal(billing?.posture ?? 'unknown', use.operation);
    case 'expired':
      return new AppError('credential_expired', 'The API key has expired. Use another one.', {
        details: { credential: 'api_key' },
      });
    case 'suspended':
      return new AppError('credential_suspended', 'The API key is suspended. Have it resumed, or use another one.', {
        details: { credential: 'api_key' },
      });
    default:
      return new AppError('credential_invalid', 'The credential is not valid.', { details: { credential: 'api_key' } });
  }
}

export function lacks(what: 'key' | 'session', missing: readonly string[], required: readonly string[]): AppError {
  return new AppError('permission_denied', `The ${what} lacks ${missing.join(' and ')}.`, {
    details: { required_scopes: required },
  });
}
