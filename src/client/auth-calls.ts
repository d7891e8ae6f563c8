import type { Answer } from './fetch.ts';
import type { CallOptions, Send } from './send.ts';
import type {
  AdmittedPerson,
  CheckCredential,
  CheckedCredential,
  CheckSession,
  Login,
  NewSession,
  RefreshSession,
} from './session-shapes.ts';

/** Sign-in and sign-out, where the product has them, and checks of the client's own credential. */
export function authOf(send: Send) {
  const open = <T>(path: string, body: object, call?: CallOptions) =>
    send<T>('POST', path, { ...call, body, withoutToken: true });
  return {
    /** Rejects with `organization_choice_required` and `details` for a person of several organizations. */
    login: (proof: Login, call?: CallOptions) => open<NewSession>('/v1/auth/login', proof, call),
    /** Uses the refresh token up. */
    refresh: (renewal: RefreshSession, call?: CallOptions) => open<NewSession>('/v1/auth/refresh', renewal, call),
    /** Signs out the session of the client's token. */
    logout: (call?: CallOptions) => send<{ status: 'signed_out' }>('POST', '/v1/auth/logout', call),
    /**
     * Decides on a request to your own service by a person's session, as forward authentication does. Counts as a use of
     * the session. Rejects with the refusal: `permission_denied`, `credential_expired`, `billing_inactive`.
     */
    checkSession: ({ token, ip, scopes = [], operation, organization_id }: CheckSession, call?: CallOptions) =>
      send<AdmittedPerson>('GET', '/v1/auth/forward', {
        ...call,
        query: { sessions: true, scope: scopes.join(' '), operation, organization_id },
        headers: { 'x-access-token': token, ...(ip !== undefined && { 'x-forwarded-for': ip }) },
        withoutToken: true,
        read: readAdmitted,
      }),
    checkApiKey: (check: CheckCredential = {}, call?: CallOptions) =>
      send<CheckedCredential>('POST', '/v1/auth/check-api-key', { ...call, body: check }),
    checkToken: (check: CheckCredential = {}, call?: CallOptions) =>
      send<CheckedCredential>('POST', '/v1/auth/check-token', { ...call, body: check }),
  };
}

/** The person is in a header alone, as proxies read it. */
async function readAdmitted(answer: Answer): Promise<string> {
  const { organization_id, scopes } = JSON.parse(await answer.text()) as AdmittedPerson;
  return JSON.stringify({ organization_id, user_id: answer.headers.get('x-latchkey-owner-id'), scopes });
}
