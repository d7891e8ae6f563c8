import { z } from 'zod';
import { parse } from '../http/parse.ts';
import type { Route } from '../http/route.ts';
import { Change } from './profile.ts';
import type { Profile } from './profile.ts';
import { cookieHeader, sessionCookies } from './session-cookie.ts';

const Sealed = z.strictObject({ sealed_session: z.string().min(1).max(65_536) });

const own = (method: Route['method'], path: string, handle: Route['handle']): Route => ({
  method,
  path: `/_emulator/${path}`,
  access: 'environment',
  replay: false,
  handle,
});

/** Routes that show and change the profile, and that return the cookies of an AuthKit application for a sealed session. */
export function profileRoutes(profile: Profile): Route[] {
  return [
    own('get', 'profile', () => ({ status: 200, body: profile.view() })),
    own('post', 'profile', ({ body }) => {
      parse(Change, body);
      profile.change(body as Change);
      return { status: 200, body: profile.view() };
    }),
    own('post', 'session_cookie', ({ body }) => {
      const cookies = sessionCookies(parse(Sealed, body).sealed_session, profile.switches);
      return { status: 200, body: { cookies, header: cookieHeader(cookies) } };
    }),
  ];
}
