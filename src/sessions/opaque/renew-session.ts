import type { Knex } from 'knex';
import { backgroundSource } from '../../audit/audit-event.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { CallerOrigin, MachineCaller, UserCaller } from '../../http/caller.ts';
import type { OpaqueTokens } from '../../secrets.ts';
import { WorkosFailure } from '../../workos/failure.ts';
import type { SignInAnswer, WorkosGateway } from '../../workos/gateway.ts';
import type { EndSession } from '../end-session.ts';
import { sessionOver } from '../live-sessions.ts';
import { sessionEnded } from '../session-events.ts';
import type { EndReason } from '../session-repository.ts';
import { isWrong } from '../sign-in/sign-in-refusal.ts';
import type { makeSignInRefusal } from '../sign-in/sign-in-refusal.ts';
import type { FactsByApi } from './facts-by-api.ts';
import type { RefreshSeal } from './refresh-seal.ts';
import type { Claim, Facts, OpaqueSession, Renewed, TokenRepository } from './token-repository.ts';

type Deps = {
  db: Knex;
  tokens: Pick<OpaqueTokens, 'hashesOf'>;
  repository: Pick<TokenRepository, 'claim' | 'release' | 'conclude'>;
  seal: RefreshSeal;
  workos: Pick<WorkosGateway, 'refreshSession'>;
  verifyToken: (token: string) => Promise<UserCaller | MachineCaller>;
  factsByApi: FactsByApi;
  signInRefusal: ReturnType<typeof makeSignInRefusal>;
  endSession: EndSession;
  /** Publishes the change to every replica, when the transaction commits. */
  announce: (trx: Knex.Transaction, change: { organizationId: string; sessionId: string }) => Promise<void>;
  /** Waits for a turn to call WorkOS for a session; false when there is none. */
  turn: (sessionId: string) => Promise<boolean>;
  /** The longest time that a renewal takes. */
  claimMs: number;
  clock: Clock;
};
export type Presented = { token: string; from: CallerOrigin };
type Renewing = Presented & { session: OpaqueSession; claim: Claim };

/** A session whose refresh token is lost ends after this; WorkOS's own limits cannot be seen for it. */
const LOST_FOR_MS = 12 * 60 * 60_000;
const RETRY_SECONDS = 1;
const SOURCE = backgroundSource('system', 'sessions');

export type RenewSession = ReturnType<typeof makeRenewSession>;

/**
 * Renews the facts of a session with its refresh token, which WorkOS takes once: one replica at a time has the claim. A
 * renewal without an answer leaves a mark. If WorkOS then refuses the token, it was used up and its successor is lost; the
 * session goes on with facts that are read with the API key. Any other refusal ends the session.
 */
export function makeRenewSession(deps: Deps) {
  /** @returns undefined when the session was renewed meanwhile, or another replica renews it */
  return async function renewSession(
    session: OpaqueSession,
    presented: Presented,
    horizon: Date,
  ): Promise<Facts | undefined> {
    if (!(await deps.turn(session.sessionId))) throw notNow('Too many sessions are renewed now. Try again shortly.');
    const now = deps.clock();
    const until = new Date(now.getTime() + deps.claimMs);
    const claim = await deps.repository.claim(session.sessionId, { now, until, horizon });
    if (!claim) return undefined;
    const renewing = { ...presented, session, claim };
    try {
      const renewed = await renewedBy(deps, renewing);
      return await conclude(deps, renewing, renewed);
    } catch (error) {
      const isHarmless = error instanceof WorkosFailure && error.outcome === 'refused' && !claim.isInterrupted;
      await deps.repository.release(claim, isHarmless ? undefined : deps.clock());
      // WorkOS does not accept our own credential: a fault that is not the person's.
      if (error instanceof WorkosFailure && error.kind === 'rejected') throw notNow(error.message, error);
      throw error;
    }
  };
}

async function renewedBy(deps: Deps, renewing: Renewing): Promise<Renewed> {
  const { session, claim, token, from } = renewing;
  const { sessionId } = session;
  const refreshToken = claim.sealedRefresh && deps.seal.open(claim.sealedRefresh, token, sessionId);
  if (refreshToken === undefined) return lost(deps, renewing);
  const answer = await deps.workos.refreshSession({ refreshToken, organizationId: undefined, ...from });
  if (answer.kind === 'signed_in') return signedIn(deps, renewing, answer);
  const code = answer.kind === 'refused' ? answer.code : 'organization_selection_required';
  if (!isWrong(code)) return refused(deps, renewing, code);
  return claim.isInterrupted ? lost(deps, renewing) : end(deps, renewing, 'revoked');
}

async function signedIn(
  deps: Deps,
  renewing: Renewing,
  { accessToken, refreshToken }: Extract<SignInAnswer, { kind: 'signed_in' }>,
): Promise<Renewed> {
  const { session, token } = renewing;
  const kept = { ...keptOf(deps, token), sealedRefresh: deps.seal.close(refreshToken, token, session.sessionId) };
  const caller = await deps.verifyToken(accessToken).catch(async (error: unknown) => {
    if (!(error instanceof AppError) || error.code === 'workos_unavailable') {
      // The new refresh token is kept, although its facts cannot be read yet.
      await deps.repository.conclude(renewing.claim, { ...session, ...kept });
      throw error;
    }
    return end(deps, renewing, 'refused');
  });
  if (caller.kind !== 'user' || caller.sessionId !== session.sessionId || caller.userId !== session.userId)
    return end(deps, renewing, 'refused');
  return { ...factsOf(caller), ...kept };
}

/** Reads with the API key what the session's access token would say. */
async function lost(deps: Deps, renewing: Renewing): Promise<Renewed> {
  const { claim, session, token } = renewing;
  const now = deps.clock();
  const lostAt = claim.lostAt ?? now;
  if (now.getTime() - lostAt.getTime() >= LOST_FOR_MS) return end(deps, renewing, 'refused');
  const facts = await deps.factsByApi(session, now);
  if (!facts) return end(deps, renewing, 'refused');
  return { ...facts, ...keptOf(deps, token), sealedRefresh: undefined, lostAt };
}

/** A further step or a rule of the organization ends the session; a fault of our configuration does not. */
async function refused(deps: Deps, renewing: Renewing, code: string): Promise<never> {
  const refusal = deps.signInRefusal({ code, credential: 'refresh_token' });
  if (refusal.code !== 'workos_rejected') return end(deps, renewing, 'refused');
  await deps.repository.release(renewing.claim, undefined);
  throw notNow(refusal.message);
}

async function end(deps: Deps, { session }: Renewing, reason: EndReason): Promise<never> {
  await deps.endSession(session, reason, sessionEnded(session, reason, SOURCE));
  throw sessionOver(reason);
}

async function conclude(deps: Deps, { session, claim }: Renewing, renewed: Renewed): Promise<Facts | undefined> {
  const { sessionId } = session;
  const { organizationId } = renewed;
  return transaction(deps.db, async (trx) => {
    const isThere = await deps.repository.conclude(claim, renewed, trx);
    // Replicas that remember the session read it again; after other renewals they do so when their facts end.
    if (isThere && textOf(session) !== textOf(renewed)) await deps.announce(trx, { organizationId, sessionId });
    return isThere ? renewed : undefined;
  });
}

const textOf = ({ organizationId, role, scopes }: Facts) => JSON.stringify([organizationId, role, scopes.toSorted()]);

/** The token is at hand: its HMAC is renewed, so that a previous secret is soon not needed any more. */
function keptOf({ tokens }: Deps, token: string) {
  return { tokenHash: tokens.hashesOf(token)[0]!, lostAt: undefined };
}

export function factsOf({ organizationId, role, scopes, issuedAt, expiresAt }: UserCaller): Facts {
  return { organizationId, role, scopes: [...scopes], issuedAt, factsUntil: expiresAt };
}

export function notNow(message: string, cause?: unknown): AppError {
  return new AppError('workos_unavailable', message, { cause, details: { retry_after: RETRY_SECONDS } });
}
