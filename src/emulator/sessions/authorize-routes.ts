import { z } from 'zod';
import type { Reply, Request, Route } from '../http/route.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import { readAuthorizeRequest, redirectBack, refuse } from './authorize-request.ts';
import type { HostedForm } from './hosted-forms.ts';
import { credentialsPage, donePage } from './hosted-forms.ts';
import type { HostedDeps } from './hosted-sign-in.ts';
import { advance } from './hosted-sign-in.ts';

const CODE_LENGTH = 32;
const PATH = '/user_management/authorize';
const INVITE_PATH = '/invite';

type Deps = HostedDeps & { clientId: string };

const InviteQuery = z.object({ invitation_token: z.string().min(1).max(128) });

/** Routes of AuthKit's hosted sign-in: pages without scripts that post to themselves. */
export function authorizeRoutes(deps: Deps): Route[] {
  return [
    {
      method: 'get',
      path: PATH,
      access: 'public',
      handle: ({ query }) => credentialsPage(formOf(readAuthorizeRequest(Object.fromEntries(query), deps.clientId))),
    },
    { method: 'post', path: PATH, access: 'public', replay: false, handle: (request) => submit(deps, request) },
    {
      method: 'get',
      path: INVITE_PATH,
      access: 'public',
      handle: ({ query }) => credentialsPage(inviteForm(Object.fromEntries(query))),
    },
    {
      method: 'post',
      path: INVITE_PATH,
      access: 'public',
      replay: false,
      handle: (request) => submitInvite(deps, request),
    },
  ];
}

const formOf = (request: AuthorizeRequest): HostedForm => ({
  action: PATH,
  hidden: request,
  organizationId: request.organization_id,
  invitationToken: request.invitation_token,
  loginHint: request.login_hint,
  signsUp: request.screen_hint === 'sign-up',
});

async function submit(deps: Deps, { body, headers }: Request): Promise<Reply> {
  assertOwnForm(headers);
  const request = readAuthorizeRequest(body, deps.clientId);
  const outcome = await advance(deps, formOf(request), body);
  if ('page' in outcome) return outcome.page;
  const code = randomAlphanumerics(CODE_LENGTH);
  deps.codes.issue('authorization', code, outcome.userId, {
    authMethod: 'password',
    ...(outcome.organizationId !== undefined && { organizationId: outcome.organizationId }),
    ...(request.code_challenge !== undefined && { codeChallenge: request.code_challenge }),
  });
  return redirectBack(request, code);
}

/** Refuses forms from other origins. Browsers send the origin; programs, which cannot be tricked into sending a form, do not. */
export function assertOwnForm({ origin, host, 'sec-fetch-site': site }: Request['headers']): void {
  const isSameSite = site === undefined || site === 'same-origin' || site === 'none';
  if (isSameSite && (origin === undefined || URL.parse(origin)?.host === host)) return;
  throw refuse('The form was sent from another site.', 403);
}

/** Returns the form behind an invitation's link, for apps that do not accept the token themselves. */
function inviteForm(values: Record<string, unknown>): HostedForm {
  const parsed = InviteQuery.safeParse(values);
  if (!parsed.success) throw refuse('The invitation_token is missing.');
  const { invitation_token: token } = parsed.data;
  const signsUp = values['screen_hint'] !== 'sign-in';
  return {
    action: INVITE_PATH,
    hidden: { invitation_token: token, screen_hint: signsUp ? undefined : 'sign-in' },
    invitationToken: token,
    signsUp,
    lead: 'You are invited. Make an account with the invited email address, or sign in.',
  };
}

async function submitInvite(deps: Deps, { body, headers }: Request): Promise<Reply> {
  assertOwnForm(headers);
  const outcome = await advance(deps, inviteForm(z.record(z.string(), z.unknown()).catch({}).parse(body)), body);
  if ('page' in outcome) return outcome.page;
  return donePage('Invitation accepted', 'You can sign in to the application now.');
}
