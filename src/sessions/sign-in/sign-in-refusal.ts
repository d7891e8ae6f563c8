import type { Logger } from 'pino';
import { AppError } from '../../errors.ts';

type Refused = { code: string; credential: string };

const NOT_A_MEMBER: readonly string[] = [
  'organization_membership_not_found',
  'organization_not_found',
  'invalid_organization_id',
];
/** The credential is wrong, used up or expired. */
const WRONG: readonly string[] = ['invalid_credentials', 'invalid_grant', 'invalid_pending_authentication_token'];
/** An operator must change a setting at WorkOS or here before any sign-in works. */
const CONFIGURATION: readonly string[] = [
  'email_password_auth_disabled',
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_request_parameters',
  'token_too_big',
];
const CODE = /^\w{1,64}$/;

const MESSAGES: Readonly<Record<string, string>> = { password: 'The e-mail address or the password is not right.' };

/** Whether a refusal means a wrong credential, as a guess would be. */
export const isWrong = (code: string): boolean => WRONG.includes(code);

/**
 * Says why WorkOS did not sign a person in. Only a wrong credential is `credential_invalid`. A fault of the configuration
 * is ours and is logged. Any other code, known or not, is a further step or a rule of the organization, and is passed on.
 */
export function makeSignInRefusal(log: Pick<Logger, 'error'>) {
  return function signInRefusal({ code, credential }: Refused): AppError {
    if (NOT_A_MEMBER.includes(code)) return notAMember();
    if (isWrong(code))
      return new AppError('credential_invalid', MESSAGES[credential] ?? 'Sign in again.', { details: { credential } });
    const reason = CODE.test(code) ? code : 'unknown';
    if (!CONFIGURATION.includes(code)) {
      const message = "WorkOS requires a further step. Sign in on the product's own page.";
      return new AppError('permission_denied', message, { details: { reason } });
    }
    log.error(
      { workos_code: reason, credential },
      'sign-in refused by WorkOS: check the AuthKit configuration and the client id',
    );
    const message = 'Sign-in is not configured correctly. Contact the operator of this service.';
    return new AppError('workos_rejected', message, { details: { workos: { code: reason } } });
  };
}

export function notAMember(): AppError {
  return new AppError('organization_not_found', 'You are not a member of such an organization.');
}
