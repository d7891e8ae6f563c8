import { Router } from 'express';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import type { SessionCookies } from '../auth/session-cookie.ts';
import type { Caller } from '../http/caller.ts';
import type { EndSession } from '../sessions/end-session.ts';
import type { NewSession, SignIn } from '../sessions/sign-in/sign-in.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { elementApi } from './element-origins.ts';
import { consolePages } from './page-routes.ts';
import { makeSessionCookieWriter } from './session-cookie-writer.ts';
import { sessionActions } from './session-routes.ts';
import { signInPages } from './sign-in-routes.ts';
import { makeSignInStates } from './sign-in-state.ts';

type Deps = {
  /** What the console was built to. */
  folder: string;
  frameAncestors: readonly string[];
  /** The origins whose pages may hold the element. */
  elementOrigins: readonly string[];
  cookieName: string | undefined;
  signIn: SignIn;
  endSession: EndSession;
  authenticate: (req: Request) => Promise<Caller>;
  workos: Pick<WorkosGateway, 'signInUrl' | 'signOutUrl' | 'seal' | 'unseal' | 'unsealSession'>;
  cookies: Pick<SessionCookies, 'read' | 'mayCarry'>;
  log: Pick<Logger, 'warn'>;
};

const USUAL_COOKIE_NAME = 'wos_session';

/** Makes the console's page, and the routes that keep its session in a cookie. */
export function makeConsole(deps: Deps): Router {
  const writer = makeSessionCookieWriter(deps.cookieName ?? USUAL_COOKIE_NAME);
  const setSession = async (req: Request, res: Response, { accessToken, refreshToken }: NewSession) =>
    writer.write(req, res, await deps.workos.seal({ accessToken, refreshToken }, 0));
  const router = Router({ caseSensitive: true });
  router.use(elementApi(deps.elementOrigins));
  router.use(signInPages({ ...deps, setSession, states: makeSignInStates(deps) }));
  router.use(sessionActions({ ...deps, setSession, writer }));
  router.use(consolePages(deps));
  return router;
}
