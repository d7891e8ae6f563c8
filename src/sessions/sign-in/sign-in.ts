import { decodeJwt } from 'jose';
import type { Knex } from 'knex';
import { personSource } from '../../audit/audit-event.ts';
import type { AuditEvent } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { MachineCaller, UserCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import type { FailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import type { FairTurns } from '../../limits/fair-turns.ts';
import { networkOf } from '../../ip/network.ts';
import { WorkosFailure } from '../../workos/failure.ts';
import type { SignInAnswer, WorkosGateway } from '../../workos/gateway.ts';
import type { EndSession } from '../end-session.ts';
import type { KnownAccounts } from './known-accounts.ts';
import type { LiveSessions } from '../live-sessions.ts';
import type { EmailOf } from './email-of.ts';
import type { RecordFailedSignIn } from './failed-sign-ins.ts';
import type { OrganizationAddresses } from '../../ip-allow-lists/organization-addresses.ts';
import type { RenewableSessions } from '../renewable-sessions.ts';
import { sessionCreated, sessionEnded, sessionMoved, sessionRefused } from '../session-events.ts';
import type { Proven, SessionOf } from '../session-events.ts';
import type { EndReason, SessionRepository } from '../session-repository.ts';
import { isWrong, notAMember } from './sign-in-refusal.ts';
import type { makeSignInRefusal } from './sign-in-refusal.ts';
import { tooMany } from './sign-in-rates.ts';
import type { SignInRates } from './sign-in-rates.ts';

type Deps = {
  workos: Pick<WorkosGateway, 'signIn' | 'signInWithCode' | 'chooseOrganization' | 'refreshSession'>;
  verifyToken: (token: string) => Promise<UserCaller | MachineCaller>;
  live: LiveSessions;
  sessions: Pick<SessionRepository, 'find'>;
  endSession: EndSession;
  recordSession: RecordSession;
  recordFailedSignIn: RecordFailedSignIn;
  accounts: Pick<KnownAccounts, 'record'>;
  /** Returns the user id in a session token of WorkOS, even if it has expired. */
  ownerOf: (accessToken: string) => Promise<string | undefined>;
  /** Returns the e-mail address that an entered login stands for. */
  emailOf: EmailOf;
  signInRefusal: ReturnType<typeof makeSignInRefusal>;
  addresses: OrganizationAddresses;
  rates: SignInRates;
  failures: Pick<FailedCredentials, 'count' | 'refusal'>;
  refreshes: Pick<FairTurns, 'turn'>;
  renewable: RenewableSessions;
};

type From = Pick<RequestContext, 'ip' | 'userAgent' | 'requestId'>;
/** What a person proves themselves with, the organization that they ask for, and where they come from. */
type Entry = { credential: Proven; organizationId: string | undefined; from: From };
type Proof = { email: string; password: string; organizationId: string | undefined };
type Choice = { pendingToken: string; organizationId: string };
type Code = { code: string; codeVerifier: string; organizationId: string | undefined };
type Renewal = { refreshToken: string; accessToken?: string | undefined; organizationId: string | undefined };
export type NewSession = {
  caller: UserCaller;
  accessToken: string;
  refreshToken: string;
  user: { id: string; email: string };
};
/** `known`: the session that the refresh token renews, if a replica handed it out. */
type Token = { known: string | undefined; accessToken: string | undefined };
type SignedIn = Extract<SignInAnswer, { kind: 'signed_in' }>;

const TOO_MANY_REQUESTS = 429;
const RETRY_SECONDS = 60;
const BUSY_SECONDS = 1;

export type SignIn = ReturnType<typeof makeSignIn>;
export type RecordSession = ReturnType<typeof makeRecordSession>;

/** Signs people in through WorkOS, and renews their sessions. No answer says which part of a credential was wrong. */
export function makeSignIn(deps: Deps) {
  const { workos, rates, failures, renewable } = deps;

  async function withPassword({ email, password, organizationId }: Proof, from: From): Promise<NewSession> {
    const answer = await ask(() => workos.signIn({ email, password, ...originOf(from) }));
    const entry: Entry = { credential: 'password', organizationId, from };
    if (answer.kind !== 'choice' || organizationId === undefined) return admit(deps, answer, entry);
    if (!answer.organizations.some(({ id }) => id === organizationId)) throw notAMember();
    const choice = { pendingToken: answer.pendingToken, organizationId };
    const chosen = await ask(() => workos.chooseOrganization({ ...choice, ...originOf(from) }));
    return admit(deps, chosen, entry);
  }

  async function withChoice(choice: Choice, from: From): Promise<NewSession> {
    await rates.fromAddress(from.ip);
    const answer = await ask(() => workos.chooseOrganization({ ...choice, ...originOf(from) }));
    return admit(deps, answer, {
      credential: 'pending_authentication_token',
      organizationId: choice.organizationId,
      from,
    });
  }

  /** Redeems the code with which AuthKit sends a person back. */
  async function withCode({ code, codeVerifier, organizationId }: Code, from: From): Promise<NewSession> {
    await rates.fromAddress(from.ip);
    const answer = await ask(() => workos.signInWithCode({ code, codeVerifier, ...originOf(from) }));
    return admit(deps, answer, { credential: 'authorization_code', organizationId, from });
  }

  async function renew({ refreshToken, accessToken, organizationId }: Renewal, from: From): Promise<NewSession> {
    const known = await renewable.find(refreshToken);
    await takeTurn(deps, { known, accessToken }, from);
    const answer = await ask(() => workos.refreshSession({ refreshToken, organizationId, ...originOf(from) }));
    const isWrongToken = answer.kind === 'refused' && isWrong(answer.code);
    // A refresh token works once. One that was refused for another reason can be sent again.
    if (known !== undefined && (isWrongToken || answer.kind === 'signed_in')) await renewable.forget(refreshToken);
    if (isWrongToken) {
      const counted = await failures.count({ address: from.ip });
      if (counted !== undefined) throw failures.refusal(counted);
    }
    return admit(deps, answer, { credential: 'refresh_token', organizationId, from });
  }

  const recording = makeRecording(deps);
  const recorded = recording('password', withPassword);
  return {
    async withPassword({ email: login, ...proof }: Proof, from: From): Promise<NewSession> {
      await rates.fromAddress(from.ip);
      // By what was entered, which is counted whether it exists or not.
      await rates.forAccount(login, from.ip);
      return recorded({ ...proof, email: await deps.emailOf(login) }, from);
    },
    withChoice: recording('pending_authentication_token', withChoice),
    withCode: recording('authorization_code', withCode),
    renew: recording('refresh_token', renew),
  };
}

/**
 * Waits for a turn to call WorkOS for one renewal. A known refresh token has its session's turn, and an access token that
 * WorkOS signed has its user's: guesses cannot fake either, so they delay neither. Any other renewal has its network's
 * turn.
 * @throws AppError `workos_unavailable`
 */
async function takeTurn(deps: Deps, { known, accessToken }: Token, from: From): Promise<void> {
  if (!(await turnOf(deps, { known, accessToken }, from))) throw tooBusy();
}

async function turnOf({ refreshes, ownerOf }: Deps, { known, accessToken }: Token, from: From): Promise<boolean> {
  if (known !== undefined) return refreshes.turn(known, 'here');
  const owner = accessToken === undefined ? undefined : await ownerOf(accessToken);
  // By user: many sessions of one user share a turn.
  return owner === undefined ? refreshes.turn(networkOf(from.ip), 'other') : refreshes.turn(owner, 'proven');
}

/** Records a failed sign-in in the audit log before it is answered. */
function makeRecording({ recordFailedSignIn }: Deps) {
  return <T extends { organizationId: string | undefined; email?: string }>(
    credential: Proven,
    enter: (attempt: T, from: From) => Promise<NewSession>,
  ) =>
    async (attempt: T, from: From): Promise<NewSession> => {
      try {
        return await enter(attempt, from);
      } catch (error) {
        const { organizationId, email } = attempt;
        await recordFailedSignIn({ organizationId, email, credential }, error, from);
        throw error;
      }
    };
}

/** Hands out a session only if its organization and address may use it and it is not over; ends it otherwise. */
async function admit(deps: Deps, answer: SignInAnswer, entry: Entry): Promise<NewSession> {
  const { organizationId: wanted, from } = entry;
  const { accessToken, refreshToken, user } = accepted(answer, entry.credential, deps.signInRefusal);
  const caller = await sessionOf(deps, accessToken);
  try {
    if (wanted !== undefined && caller.organizationId !== wanted) throw notAMember();
    await deps.addresses.assertAllowed(caller.organizationId, from.ip);
    await record(deps, caller, entry);
    await deps.accounts.record(user.email, caller);
    await deps.renewable.record(refreshToken, caller);
  } catch (error) {
    const reason = isInactive(error) ? 'inactive' : 'refused';
    await deps.endSession(caller, reason, refusedOf(caller, entry, reason, error));
    throw error;
  }
  return { caller, accessToken, refreshToken, user };
}

/** Reads the session that WorkOS has opened. Ends one that cannot be used, such as that of a user without an organization. */
async function sessionOf({ verifyToken, endSession }: Deps, accessToken: string): Promise<UserCaller> {
  try {
    const caller = await verifyToken(accessToken);
    if (caller.kind === 'user') return caller;
    throw new Error('WorkOS answered a sign-in with a token that is no session');
  } catch (error) {
    // The token comes from WorkOS itself and need not be verified to be revoked.
    const { sid: sessionId, sub: userId } = decodeJwt<{ sid?: unknown }>(accessToken);
    if (typeof sessionId === 'string' && userId !== undefined)
      await endSession({ sessionId, userId, organizationId: undefined }, 'refused', undefined);
    throw error;
  }
}

async function record(deps: Deps, caller: UserCaller, { credential, organizationId: wanted, from }: Entry) {
  if (credential !== 'refresh_token') {
    await deps.live.admit(caller);
    return deps.recordSession(caller, sessionCreated(caller, credential, from));
  }
  // Read first: `admit` records the use with the new organization.
  const before = wanted === undefined ? undefined : await deps.sessions.find(caller.sessionId);
  await deps.live.admit(caller);
  if (wanted !== undefined && before?.organizationId !== wanted)
    await deps.recordSession(caller, sessionMoved(caller, from));
}

function refusedOf(caller: UserCaller, { credential, from }: Entry, reason: EndReason, error: unknown): AuditEvent {
  const code = error instanceof AppError ? error.code : 'internal_error';
  return credential === 'refresh_token'
    ? sessionEnded(caller, reason, personSource(caller, from), code)
    : sessionRefused(caller, credential, code, from);
}

function isInactive(error: unknown): boolean {
  return error instanceof AppError && error.details?.['reason'] === 'inactive';
}

function accepted(answer: SignInAnswer, credential: string, refusal: Deps['signInRefusal']): SignedIn {
  if (answer.kind === 'signed_in') return answer;
  if (answer.kind === 'choice') {
    throw new AppError('organization_choice_required', 'Choose the organization to sign in to.', {
      details: { organizations: answer.organizations, pending_authentication_token: answer.pendingToken },
    });
  }
  throw refusal({ code: answer.code, credential });
}

function tooBusy(): AppError {
  return new AppError('workos_unavailable', 'Too many sessions are renewed now. Try again shortly.', {
    details: { retry_after: BUSY_SECONDS },
  });
}

/** Passes on WorkOS's own limit on tries as ours. */
async function ask(run: () => Promise<SignInAnswer>): Promise<SignInAnswer> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof WorkosFailure && error.workosStatus === TOO_MANY_REQUESTS)
      throw tooMany(error.workosRetryAfter ?? RETRY_SECONDS);
    throw error;
  }
}

function originOf({ ip, userAgent }: From): Pick<From, 'ip' | 'userAgent'> {
  return { ip, userAgent };
}

type RecordDeps = {
  db: Knex;
  sessions: Pick<SessionRepository, 'recordUses'>;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

/** Records the organization of a session with its audit event, before the session is handed out. */
export function makeRecordSession({ db, sessions, audit, clock }: RecordDeps) {
  return ({ sessionId, userId, organizationId }: SessionOf, event: AuditEvent): Promise<void> =>
    transaction(db, async (trx) => {
      await sessions.recordUses([{ sessionId, userId, organizationId, lastActiveAt: clock() }], trx);
      await audit.append(trx, event);
    });
}
