import { Router } from 'express';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { personSource } from '../audit/audit-event.ts';
import { assertSameOrigin } from '../auth/same-origin.ts';
import type { SessionCookies } from '../auth/session-cookie.ts';
import { AppError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { originOf } from '../http/caller.ts';
import type { Caller, UserCaller } from '../http/caller.ts';
import { requestIdOf } from '../http/request-id.ts';
import { readJsonBody } from '../http/server/body.ts';
import { validate } from '../http/validate.ts';
import { NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../ids.ts';
import type { EndSession } from '../sessions/end-session.ts';
import { sessionEnded } from '../sessions/session-events.ts';
import type { NewSession, SignIn } from '../sessions/sign-in/sign-in.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { makeRenewals } from './renewals.ts';
import type { Renewals } from './renewals.ts';
import { HOME } from './return-to.ts';
import type { SessionCookieWriter } from './session-cookie-writer.ts';
import { originUrl } from './sign-in-routes.ts';

type Deps = {
  signIn: Pick<SignIn, 'renew'>;
  endSession: EndSession;
  authenticate: (req: Request) => Promise<Caller>;
  workos: Pick<WorkosGateway, 'unsealSession' | 'signOutUrl'>;
  cookies: Pick<SessionCookies, 'read'>;
  writer: SessionCookieWriter;
  setSession: (req: Request, res: Response, session: NewSession) => Promise<void>;
};
type Actions = Deps & { renewals: Renewals };
type Tokens = { accessToken: string; refreshToken: string };

const MAX_BYTES = 1_024;
const SIGNED_OUT = `${HOME}/signed-out`;
const Renewal = z
  .strictObject({ organization_id: z.string().regex(ORGANIZATION_ID, NO_ORGANIZATION_ID).optional() })
  .prefault({});

/** Renews and ends the session in the cookie. Both take requests of the same origin alone. */
export function sessionActions(deps: Deps): Router {
  const router = Router();
  const actions = { ...deps, renewals: makeRenewals() };
  router.post('/console/refresh', (req, res) => refresh(actions, req, res));
  router.post('/console/sign-out', (req, res) => signOut(actions, req, res));
  return router;
}

async function refresh(actions: Actions, req: Request, res: Response): Promise<void> {
  res.locals['route'] = '/console/refresh';
  assertSameOrigin(req);
  const { organization_id } = validate(Renewal, await readJsonBody(req, res, MAX_BYTES), 'body');
  const tokens = await tokensOf(actions, req);
  const session = await renew(actions, { ...tokens, organizationId: organization_id }, req, res);
  await actions.setSession(req, res, session);
  const { organizationId, expiresAt } = session.caller;
  res.json({ organization_id: organizationId, expires_at: expiresAt.toISOString() });
}

async function signOut(actions: Actions, req: Request, res: Response): Promise<void> {
  res.locals['route'] = '/console/sign-out';
  assertSameOrigin(req);
  const caller = await userOf(actions, req, res);
  const returnTo = originUrl(req) + SIGNED_OUT;
  actions.writer.clear(req, res);
  if (!caller) return void res.json({ url: returnTo });
  const source = personSource(caller, { requestId: requestIdOf(res), ...originOf(req) });
  await actions.endSession(caller, 'signed_out', sessionEnded(caller, 'signed_out', source));
  res.json({ url: actions.workos.signOutUrl({ sessionId: caller.sessionId, returnTo }) });
}

/** Returns the user of the cookie; undefined when nothing is left to sign out. */
async function userOf(actions: Actions, req: Request, res: Response): Promise<UserCaller | undefined> {
  try {
    const caller = await actions.authenticate(req);
    return caller.kind === 'user' ? caller : undefined;
  } catch (error) {
    if (!(error instanceof AppError) || error.status !== 401) throw error;
    return renewedUser(actions, req, res);
  }
}

/** Renews a session whose token has expired: it may still be open, and WorkOS ends it by the id in a good token. */
async function renewedUser(actions: Actions, req: Request, res: Response): Promise<UserCaller | undefined> {
  try {
    const wanted = { ...(await tokensOf(actions, req)), organizationId: undefined };
    const { caller } = await renew(actions, wanted, req, res);
    actions.renewals.forget(wanted);
    return caller;
  } catch (error) {
    if (error instanceof AppError && error.status < 500) return undefined;
    throw error;
  }
}

/** @throws AppError `credential_missing`, `credential_invalid`, `credential_expired` */
async function tokensOf({ cookies, workos }: Actions, req: Request): Promise<Tokens> {
  const sealed = cookies.read(req.headers.cookie);
  if (sealed === undefined) throw signedOut('credential_missing', 'Sign in.', 'none');
  const { accessToken, refreshToken } = (await workos.unsealSession(sealed)) ?? {};
  if (accessToken === undefined) throw signedOut('credential_invalid', 'The session cookie is not valid. Sign in.');
  if (refreshToken === undefined) throw signedOut('credential_expired', 'This session cannot be renewed. Sign in.');
  return { accessToken, refreshToken };
}

function signedOut(code: ErrorCode, message: string, credential = 'session_cookie'): AppError {
  return new AppError(code, message, { details: { credential } });
}

function renew(
  { renewals, signIn }: Actions,
  wanted: Tokens & { organizationId: string | undefined },
  req: Request,
  res: Response,
): Promise<NewSession> {
  const from = { requestId: requestIdOf(res), ...originOf(req) };
  return renewals.once(wanted, () => signIn.renew(wanted, from));
}
