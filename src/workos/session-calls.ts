import type { WorkOS } from '@workos-inc/node';
import { z } from 'zod';
import { WorkosFailure } from './failure.ts';
import type { SignInAnswer, WorkosGateway } from './gateway.ts';
import { WorkosAnswer } from './answers/read-answer.ts';
import type { Operation } from './resilience.ts';

type Call = <T>(operation: Operation, run: () => Promise<T>) => Promise<T>;
type Options = { workos: WorkOS; call: Call; clientId: string; apiKey: string };

const PATH = '/user_management/authenticate';
const SELECTION = 'urn:workos:oauth:grant-type:organization-selection';
const MAX_ORGANIZATIONS = 100;
const UNAUTHORIZED = 401;
const BAD_REQUEST = 400;
const NOT_FOUND = 404;

const SignedIn = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  user: z.object({ id: z.string().min(1), email: z.string() }),
});
const Choice = z.object({
  code: z.literal('organization_selection_required'),
  pending_authentication_token: z.string().min(1).max(4_096),
  organizations: z.array(z.object({ id: z.string().min(1), name: z.string() })),
});

/** Calls about people's sessions. Requests and answers hold secrets: no error contains any of them. */
export function sessionCalls({ workos, call, clientId, apiKey }: Options) {
  async function authenticate(operation: Operation, grantType: string, more: object): Promise<SignInAnswer> {
    const body = { grant_type: grantType, client_id: clientId, client_secret: apiKey, ...more };
    try {
      return await call(operation, async () => readSignedIn((await workos.post(PATH, body)).data));
    } catch (error) {
      return readRefusal(error);
    }
  }

  return {
    signIn: ({ email, password, ...from }) =>
      authenticate('sign_in', 'password', { email, password, ...originOf(from) }),

    signInWithCode: ({ code, codeVerifier, ...from }) =>
      authenticate('sign_in', 'authorization_code', { code, code_verifier: codeVerifier, ...originOf(from) }),

    chooseOrganization: ({ pendingToken, organizationId, ...from }) =>
      authenticate('choose_organization', SELECTION, {
        pending_authentication_token: pendingToken,
        organization_id: organizationId,
        ...originOf(from),
      }),

    refreshSession: ({ refreshToken, organizationId, ...from }) =>
      authenticate('refresh_session', 'refresh_token', {
        refresh_token: refreshToken,
        ...(organizationId !== undefined && { organization_id: organizationId }),
        ...originOf(from),
      }),

    signInUrl: ({ redirectUri, state, codeChallenge, organizationId }) =>
      workos.userManagement.getAuthorizationUrl({
        provider: 'authkit',
        clientId,
        redirectUri,
        state,
        codeChallenge,
        codeChallengeMethod: 'S256',
        ...(organizationId !== undefined && { organizationId }),
      }),

    signOutUrl: ({ sessionId, returnTo }) => workos.userManagement.getLogoutUrl({ sessionId, returnTo }),

    async revokeSession(sessionId) {
      try {
        await call('revoke_session', () =>
          workos.post('/user_management/sessions/revoke', { session_id: sessionId }).then(() => undefined),
        );
      } catch (error) {
        // The session is over, or never existed.
        const status = error instanceof WorkosFailure ? error.workosStatus : undefined;
        if (status !== BAD_REQUEST && status !== NOT_FOUND) throw error;
      }
    },
  } satisfies Partial<WorkosGateway>;
}

function originOf({ ip, userAgent }: { ip: string | undefined; userAgent: string | undefined }) {
  return { ...(ip !== undefined && { ip_address: ip }), ...(userAgent !== undefined && { user_agent: userAgent }) };
}

function readSignedIn(data: unknown): SignInAnswer {
  const { access_token: accessToken, refresh_token: refreshToken, user } = SignedIn.parse(data);
  return { kind: 'signed_in', accessToken, refreshToken, user };
}

/** Rejections that WorkOS documents with a sentence and no code. */
const SENTENCES: Readonly<Record<string, string>> = { 'Must use SSO for selected organization': 'sso_required' };

/** Returns a rejection as an answer. @throws the error when WorkOS rejected our own credential */
function readRefusal(error: unknown): SignInAnswer {
  if (!(error instanceof WorkosFailure) || error.code !== 'workos_rejected') throw error;
  const answer = error.cause instanceof WorkosAnswer ? error.cause : undefined;
  const code = refusalCode(answer?.error ?? {});
  if (error.workosStatus === UNAUTHORIZED) throw error;
  const choice = answer?.read(Choice);
  if (!choice) return { kind: 'refused', code };
  const organizations = choice.organizations.slice(0, MAX_ORGANIZATIONS);
  return { kind: 'choice', pendingToken: choice.pending_authentication_token, organizations };
}

/** Names a rejection without a code. An unknown person is named like a wrong password. */
function refusalCode({ status, code, message = '' }: Partial<WorkosAnswer['error']>): string {
  if (code !== undefined) return code;
  return status === NOT_FOUND ? 'invalid_credentials' : (SENTENCES[message] ?? 'unknown');
}
