import { z } from 'zod';
import { HttpError } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import { readLoopbackUrl } from './loopback-url.ts';
import { page } from './pages.ts';
import type { SessionStore } from './session-store.ts';

const Revocation = z.object({ session_id: z.string().min(1) });

export function sessionRoutes(sessions: SessionStore): Route[] {
  return [
    {
      method: 'post',
      path: '/user_management/sessions/revoke',
      access: 'environment',
      handle: ({ body }) => revoke(sessions, body),
    },
    {
      method: 'get',
      path: '/user_management/sessions/logout',
      access: 'public',
      handle: ({ query }) => logout(sessions, query),
    },
  ];
}

function revoke(sessions: SessionStore, body: unknown): Reply {
  const { session_id: id } = parse(Revocation, body, 400);
  const session = sessions.find(id);
  if (!session) throw new HttpError(400, { message: `Session not found: '${id}'.` });
  sessions.revoke(session);
  return { status: 200, body: {} };
}

/** Redirects the browser also when the session has ended or is unknown. */
function logout(sessions: SessionStore, query: URLSearchParams): Reply {
  const { session_id: id } = parse(Revocation, Object.fromEntries(query));
  const returnTo = query.get('return_to');
  const target = returnTo === null ? undefined : readLoopbackUrl(returnTo);
  if (returnTo !== null && !target)
    throw new HttpError(422, { message: 'return_to must be an http(s) address on this machine.' });
  const session = sessions.find(id);
  if (session) sessions.revoke(session);
  if (target) return { status: 302, headers: { location: target.href } };
  return page(200, { title: 'Signed out', body: '<p class="lead">You are signed out. You can close this page.</p>' });
}
