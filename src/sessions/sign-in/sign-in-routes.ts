import { z } from 'zod';
import { publicRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import { NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../../ids.ts';
import type { OpaqueSessions } from '../opaque/opaque-sessions.ts';
import type { NewSession, SignIn } from './sign-in.ts';

type Deps = {
  signIn: SignIn;
  /** Makes the opaque token of a session; undefined where sessions have WorkOS's tokens. */
  issue: OpaqueSessions['issue'] | undefined;
};

const TAG = 'Session';
const MAX_TOKEN = 4_096;
const MAX_ACCESS_TOKEN = 16_384;
/** The codes of every route that opens a session. */
const OPENS_A_SESSION = [
  'credential_invalid',
  'credential_expired',
  'permission_denied',
  'ip_not_allowed',
  'organization_choice_required',
  'organization_not_found',
  'rate_limited',
  'workos_rejected',
  'workos_unavailable',
  'database_unavailable',
] as const;

const organizationId = z
  .string()
  .regex(ORGANIZATION_ID, NO_ORGANIZATION_ID)
  .describe('The organization to sign in to. Required for a user who belongs to several.');

const Session = z
  .object({
    access_token: z.string().describe('For `Authorization: Bearer` or `x-access-token`, until `expires_at`.'),
    refresh_token: z.string().describe('Works for one `POST /v1/auth/refresh`, which returns the next.'),
    expires_at: z.iso.datetime(),
    user: z.object({ id: z.string(), email: z.string() }),
    organization_id: z.string(),
  })
  .meta({ id: 'NewSession' });

const OpaqueSession = Session.omit({ refresh_token: true })
  .extend({
    access_token: z.string().describe('For `Authorization: Bearer` or `x-access-token`, until the session ends.'),
    expires_at: z.iso.datetime().describe('When the session ends if it is not used; each use puts it off.'),
  })
  .meta({ id: 'NewSession' });

const Proof = z.strictObject({
  email: z
    .string()
    .min(1)
    .max(254)
    .describe('The e-mail address, or a login name where the product has them (`sessions.login_names`).'),
  password: z.string().min(1).max(1_024),
  organization_id: organizationId.optional(),
});
const Choice = z.strictObject({
  pending_authentication_token: z.string().min(1).max(MAX_TOKEN),
  organization_id: organizationId,
});
const Renewal = z
  .strictObject({
    refresh_token: z.string().min(1).max(MAX_TOKEN),
    access_token: z
      .string()
      .min(1)
      .max(MAX_ACCESS_TOKEN)
      .optional()
      .describe(
        'The access token that came with the refresh token, even if it has expired. Send it for a session that was opened elsewhere: guesses from the same network then do not delay the renewal.',
      ),
    organization_id: organizationId.optional(),
  })
  .meta({ id: 'RefreshSession' });

/** Password sign-in and renewal; mounted where the product's file enables them. */
export function signInRoutes(deps: Deps): Route[] {
  return [loginRoute(deps), ...(deps.issue ? [] : [refreshRoute(deps)])];
}

function loginRoute({ signIn, issue }: Deps): Route {
  const answer = async (session: NewSession) => (issue ? opaqueView(session, await issue(session)) : view(session));
  return publicRoute({
    operationId: 'login',
    method: 'post',
    path: '/v1/auth/login',
    tag: TAG,
    summary: 'Sign in with e-mail address and password',
    description:
      'A user who belongs to several organizations must name one. Otherwise the answer is 409 `organization_choice_required` with `details.organizations` and `details.pending_authentication_token`; send that token with the chosen `organization_id` in place of the password.',
    body: z.union([Proof, Choice]).meta({ id: 'Login' }),
    responses: { 200: issue ? OpaqueSession : Session },
    errors: OPENS_A_SESSION,
    async handle({ body, context }) {
      if ('email' in body) {
        const { email, password, organization_id } = body;
        return answer(await signIn.withPassword({ email, password, organizationId: organization_id }, context));
      }
      const choice = { pendingToken: body.pending_authentication_token, organizationId: body.organization_id };
      return answer(await signIn.withChoice(choice, context));
    },
  });
}

function refreshRoute({ signIn }: Deps): Route {
  return publicRoute({
    operationId: 'refreshSession',
    method: 'post',
    path: '/v1/auth/refresh',
    tag: TAG,
    summary: 'Renew a session, or move it to another organization',
    description: 'A session that was signed out, or not used for too long, cannot be renewed.',
    body: Renewal,
    responses: { 200: Session },
    errors: OPENS_A_SESSION,
    handle: async ({ body: { refresh_token: refreshToken, access_token: accessToken, organization_id }, context }) =>
      view(await signIn.renew({ refreshToken, accessToken, organizationId: organization_id }, context)),
  });
}

function view({ caller, accessToken, refreshToken, user }: NewSession) {
  return {
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_at: caller.expiresAt.toISOString(),
    user: { id: user.id, email: user.email },
    organization_id: caller.organizationId,
  };
}

function opaqueView({ caller, user }: NewSession, { token, expiresAt }: { token: string; expiresAt: Date }) {
  return {
    access_token: token,
    expires_at: expiresAt.toISOString(),
    user: { id: user.id, email: user.email },
    organization_id: caller.organizationId,
  };
}
