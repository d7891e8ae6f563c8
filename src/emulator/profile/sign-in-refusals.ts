/** Refusals of `POST /user_management/authenticate` in the specification, with their status and error shape. */
type Refusal = { status: number; shape: 'coded' | 'oauth' | 'message' };

const at = (status: number, shape: Refusal['shape'], codes: string): [string, Refusal][] =>
  codes
    .trim()
    .split(/\s+/)
    .map((code) => [code, { status, shape }]);

/** All but `organization_selection_required`, which offers a choice and has its own flow. */
export const SIGN_IN_REFUSALS: ReadonlyMap<string, Refusal> = new Map([
  ...at(
    400,
    'coded',
    `invalid_organization_id code_challenge_not_found invalid_credentials invalid_one_time_code
     one_time_code_previously_used one_time_code_expired one_time_code_too_many_attempts
     invalid_pending_authentication_token user_mismatch phone_number_required verification_id_required`,
  ),
  ...at(
    400,
    'oauth',
    `invalid_client unauthorized_client invalid_profile invitation_invalid invitation_cannot_be_used_for_email
     invalid_connection sign_up_not_allowed organization_authentication_methods_required
     invalid_link_authorization_code extra_attributes_required pkce_not_supported expired_token authorization_pending
     access_denied slow_down invalid_grant invalid_request organization_not_found organization_membership_not_found
     token_too_big sso_required`,
  ),
  ...at(400, 'message', 'must_use_sso'),
  ...at(
    403,
    'coded',
    `mfa_enrollment mfa_challenge authentication_method_not_allowed email_verification_required
     email_password_auth_disabled passkey_progressive_enrollment radar_challenge radar_sign_up_challenge
     radar_sms_sign_in_challenge application_consent_required`,
  ),
  ...at(404, 'message', 'not_found'),
  ...at(422, 'coded', 'invalid_request_parameters'),
  ...at(429, 'coded', 'daily_quota_exceeded'),
  ...at(429, 'oauth', 'too_many_requests'),
]);

const MESSAGES: Readonly<Record<string, string>> = {
  must_use_sso: 'Must use SSO for selected organization',
  not_found: 'Not Found',
};

/** Returns the specified answer to a refusal; `email` is the address of the refused person. */
export function signInRefusal(code: string, email: string): { status: number; body: object } {
  const { status, shape } = SIGN_IN_REFUSALS.get(code)!;
  const message = MESSAGES[code] ?? `The request failed due to: ${code}.`;
  if (shape === 'message') return { status, body: { message } };
  if (shape === 'coded') return { status, body: { code, message } };
  const details = code === 'sso_required' ? { connection_ids: ['conn_local'], email } : {};
  return { status, body: { error: code, error_description: message, ...details } };
}
