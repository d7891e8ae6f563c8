import { z } from 'zod';
import { passwordMatches } from '../hashing.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import { activeOrganizations, findActiveMembership } from '../people/membership-store.ts';
import { findUserByEmail } from '../people/user-store.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { Store } from '../state/store.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import { readAuthorizeRequest, redirectBack, refuse } from './authorize-request.ts';
import type { OneTimeCodes } from './one-time-codes.ts';
import { escapeHtml, hiddenInputs, page } from './pages.ts';

const CODE_LENGTH = 32;

type Deps = { store: Store; codes: OneTimeCodes; clientId: string };

const Text = z.string().max(4_096);
const Credentials = z.object({ email: Text, password: Text });
const Choice = z.object({ pending_authentication_token: Text, chosen_organization_id: Text });

/** AuthKit's hosted sign-in, as one page without a script that posts to itself. */
export function authorizeRoutes(deps: Deps): Route[] {
  const path = '/user_management/authorize';
  return [
    {
      method: 'get',
      path,
      access: 'public',
      handle: ({ query }) => signInPage(readAuthorizeRequest(Object.fromEntries(query), deps.clientId)),
    },
    { method: 'post', path, access: 'public', replay: false, handle: (request) => submit(deps, request) },
  ];
}

function signInPage(request: AuthorizeRequest, failure?: { email: string; reason: string }): Reply {
  const email = failure?.email ?? request.login_hint ?? '';
  const body = `${failure ? `<p class="alert" role="alert">${escapeHtml(failure.reason)}</p>` : ''}
<form method="post" action="/user_management/authorize">
${hiddenInputs(request)}
<label>Email<input name="email" type="email" autocomplete="username" required value="${escapeHtml(email)}"${email === '' ? ' autofocus' : ''}></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required${email === '' ? '' : ' autofocus'}></label>
<button>Sign in</button>
</form>`;
  return page(failure ? 401 : 200, { title: 'Sign in', body });
}

function organizationPage(
  request: AuthorizeRequest,
  token: string,
  organizations: readonly { id: string; name: string }[],
): Reply {
  const choices = organizations.map(
    ({ id, name }) =>
      `<button class="choice" name="chosen_organization_id" value="${escapeHtml(id)}">${escapeHtml(name)}</button>`,
  );
  const body = `<form method="post" action="/user_management/authorize">
${hiddenInputs({ ...request, pending_authentication_token: token })}
${choices.join('\n')}
</form>`;
  return page(200, { title: 'Choose an organization', body });
}

async function submit(deps: Deps, { body, headers }: Request): Promise<Reply> {
  if (!isOwnForm(headers)) throw refuse('The form was sent from another site.', 403);
  const request = readAuthorizeRequest(body, deps.clientId);
  const choice = Choice.safeParse(body);
  if (choice.success) return chooseOrganization(deps, request, choice.data);
  const credentials = Credentials.safeParse(body);
  if (!credentials.success) return signInPage(request, { email: '', reason: 'Enter an email address and a password.' });
  return checkPassword(deps, request, credentials.data);
}

/** Browsers say where a form came from; programs, which cannot be tricked into sending one, say nothing. */
function isOwnForm({ origin, host, 'sec-fetch-site': site }: Request['headers']): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || URL.parse(origin)?.host === host;
}

async function checkPassword(
  deps: Deps,
  request: AuthorizeRequest,
  { email, password }: z.output<typeof Credentials>,
): Promise<Reply> {
  const user = findUserByEmail(deps.store, email);
  const matches = user?.password_hash && (await passwordMatches(password, user.password_hash));
  if (!matches) return signInPage(request, { email, reason: 'Wrong email address or password.' });
  if (request.organization_id !== undefined) {
    const isMember = findActiveMembership(deps.store, user.id, request.organization_id);
    if (!isMember) return signInPage(request, { email, reason: 'You are not a member of this organization.' });
    return finish(deps, request, user.id, request.organization_id);
  }
  const organizations = activeOrganizations(deps.store, user.id);
  if (organizations.length <= 1) return finish(deps, request, user.id, organizations[0]?.id);
  const token = randomAlphanumerics(CODE_LENGTH);
  deps.codes.issue('pending', token, user.id, { authMethod: 'password' });
  return organizationPage(request, token, organizations);
}

function chooseOrganization(deps: Deps, request: AuthorizeRequest, choice: z.output<typeof Choice>): Reply {
  const pending = deps.codes.redeem('pending', choice.pending_authentication_token);
  if (!pending) return signInPage(request, { email: '', reason: 'That took too long. Sign in again.' });
  const isMember = findActiveMembership(deps.store, pending.userId, choice.chosen_organization_id);
  if (!isMember) return signInPage(request, { email: '', reason: 'You are not a member of this organization.' });
  return finish(deps, request, pending.userId, choice.chosen_organization_id);
}

function finish({ codes }: Deps, request: AuthorizeRequest, userId: string, organizationId: string | undefined): Reply {
  const code = randomAlphanumerics(CODE_LENGTH);
  codes.issue('authorization', code, userId, {
    authMethod: 'password',
    ...(organizationId !== undefined && { organizationId }),
    ...(request.code_challenge !== undefined && { codeChallenge: request.code_challenge }),
  });
  return redirectBack(request, code);
}
