import type { Logger } from 'pino';
import { AppError } from '../../errors.ts';
import { notAMember } from './not-a-member.ts';

type Refused = { code: string; credential: string };

const NOT_A_MEMBER: readonly string[] = [
  'organization_membership_not_found',
  'organization_not_found',
  'invalid_organization_id',
];
/** What was shown is not good, or is good no more. */
const WRONG: readonly string[] = ['invalid_credentials', 'invalid_grant', 'invalid_pending_authentication_token'];
/** Nobody can sign in until somebody changes what is set at WorkOS, or here. */
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

/** Whether a refusal says that what was shown is wrong, which a guess would be, too. */
export const isWrong = (code: string): boolean => WRONG.includes(code);

/**
 * Tells a person why WorkOS did not sign them in. Only a wrong credential is called wrong: any other code, known or
 * not, is a further step or a rule of their organization, and is passed on; what nobody but an administrator can
 * change is an error of ours, and is logged.
 */
export function makeSignInRefusal(log: Pick<Logger, 'error'>) {
  return function signInRefusal({ code, credential }: Refused): AppError {
    if (NOT_A_MEMBER.includes(code)) return notAMember();
    if (isWrong(code))
      return new AppError('credential_invalid', MESSAGES[credential] ?? 'Sign in again.', { details: { credential } });
    const reason = CODE.test(code) ? code : 'unknown';
    if (!CONFIGURATION.includes(code)) {
      const message = 'WorkOS asks for one more step: sign in on the page of the product.';
      return new AppError('permission_denied', message, { details: { reason } });
    }
    log.error({ workos_code: reason, credential }, 'sign-in is not possible as WorkOS is configured');
    const message = 'Signing in this way is not possible as the service is configured.';
    return new AppError('workos_rejected', message, { details: { workos: { code: reason } } });
  };
}
