import { Router } from 'express';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { originOf } from '../http/caller.ts';
import { requestIdOf } from '../http/request-id.ts';
import { ORGANIZATION_ID } from '../ids.ts';
import type { NewSession, SignIn } from '../sessions/sign-in/sign-in.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { isSecure } from './session-cookie-writer.ts';
import type { SignInStates } from './sign-in-state.ts';

type Deps = {
  signIn: Pick<SignIn, 'withCode'>;
  states: SignInStates;
  workos: Pick<WorkosGateway, 'signInUrl'>;
  setSession: (req: Request, res: Response, session: NewSession) => Promise<void>;
  log: Pick<Logger, 'warn'>;
};

export const CALLBACK_PATH = '/console/callback';
const MAX_CODE = 1_024;
/** What AuthKit says of a sign-in that it did not complete. */
const REASON = /^\w{1,64}$/;

/** Sends people to AuthKit's sign-in page, and redeems the code with which they come back. */
export function signInPages(deps: Deps): Router {
  const router = Router();
  router.get('/console/sign-in', (req, res) => begin(deps, req, res));
  router.get(CALLBACK_PATH, (req, res) => complete(deps, req, res));
  return router;
}

async function begin({ states, workos }: Deps, req: Request, res: Response): Promise<void> {
  res.locals['route'] = '/console/sign-in';
  const { return_to: returnTo, organization_id: named } = req.query;
  const organizationId = typeof named === 'string' && ORGANIZATION_ID.test(named) ? named : undefined;
  const { state, codeChallenge } = await states.begin(res, { returnTo, organizationId, isSecure: isSecure(req) });
  res.redirect(workos.signInUrl({ redirectUri: originUrl(req) + CALLBACK_PATH, state, codeChallenge, organizationId }));
}

async function complete(deps: Deps, req: Request, res: Response): Promise<void> {
  res.locals['route'] = CALLBACK_PATH;
  try {
    const { state, code, error } = req.query;
    const begun = await deps.states.end(req.headers.cookie, res, state);
    if (!begun) throw new AppError('credential_invalid', 'This browser did not begin this sign-in, or too long ago.');
    if (typeof code !== 'string' || code === '' || code.length > MAX_CODE) return giveUp(res, reasonOf(error));
    const { codeVerifier, organizationId } = begun;
    const from = { requestId: requestIdOf(res), ...originOf(req) };
    const session = await deps.signIn.withCode({ code, codeVerifier, organizationId }, from);
    await deps.setSession(req, res, session);
    res.redirect(begun.returnTo);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    deps.log.warn({ code: error.code, request_id: requestIdOf(res) }, 'console sign-in failed');
    giveUp(res, error.code);
  }
}

/** The public origin of this service, as the browser knows it. */
export function originUrl(req: Request): string {
  return `${req.protocol}://${req.get('host') ?? ''}`;
}

function reasonOf(error: unknown): string {
  return typeof error === 'string' && REASON.test(error) ? error : 'credential_invalid';
}

function giveUp(res: Response, reason: string): void {
  res.redirect(`/console/signed-out?${new URLSearchParams({ reason, request_id: requestIdOf(res) }).toString()}`);
}
