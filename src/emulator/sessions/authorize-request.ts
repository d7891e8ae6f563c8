import { z } from 'zod';
import { HttpError } from '../http/http-error.ts';
import type { Reply } from '../http/route.ts';
import { readLoopbackUrl } from './loopback-url.ts';
import { escapeHtml, page } from './pages.ts';

const Text = z.string().max(4_096).optional();

const Fields = z.object({
  client_id: Text,
  response_type: Text,
  redirect_uri: Text,
  provider: Text,
  connection_id: Text,
  organization_id: Text,
  state: Text,
  code_challenge: Text,
  code_challenge_method: Text,
  login_hint: Text,
  invitation_token: Text,
  screen_hint: Text,
});

/** Hidden fields of the sign-in page, which its form sends back. */
export type AuthorizeRequest = z.output<typeof Fields> & { redirect_uri: string };

/** Parses a request. Throws an error page instead of a redirect, because no address to redirect to is proven safe. */
export function readAuthorizeRequest(values: unknown, clientId: string): AuthorizeRequest {
  const parsed = Fields.safeParse(values);
  if (!parsed.success) throw refuse('A parameter is not a text of at most 4096 characters.');
  const request = parsed.data;
  if (request.client_id !== clientId) throw refuse('The client_id is unknown.');
  if (request.response_type !== 'code') throw refuse('The response_type must be "code".');
  const { redirect_uri: redirectUri } = request;
  if (redirectUri === undefined || !readLoopbackUrl(redirectUri))
    throw refuse('The redirect_uri must be an http(s) address on this machine.');
  if (request.connection_id !== undefined) throw refuse('There are no SSO connections here.');
  if (request.provider === undefined && request.organization_id === undefined)
    throw refuse('Give a provider or an organization_id.');
  if (request.provider !== undefined && request.provider !== 'authkit')
    throw refuse('The only provider here is "authkit".');
  const { code_challenge: challenge, code_challenge_method: method } = request;
  if ((challenge !== undefined || method !== undefined) && method !== 'S256')
    throw refuse('The code_challenge_method must be "S256".');
  return { ...request, redirect_uri: redirectUri };
}

export function refuse(reason: string, status = 400): HttpError {
  const { body, headers } = page(status, {
    title: 'This sign-in cannot go on',
    body: `<p class="lead">${escapeHtml(reason)}</p>`,
  });
  return new HttpError(status, typeof body === 'string' ? body : '', { ...headers });
}

export function redirectBack({ redirect_uri: redirectUri, state }: AuthorizeRequest, code: string): Reply {
  const target = new URL(redirectUri);
  target.searchParams.set('code', code);
  if (state !== undefined) target.searchParams.set('state', state);
  return { status: 302, headers: { location: target.href, 'cache-control': 'no-store' } };
}
