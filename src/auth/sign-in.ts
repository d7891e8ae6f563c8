import type { AuditEvent } from '../audit/audit-event.ts';
import { AppError } from '../errors.ts';
import type { MachineCaller, UserCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import type { FailedCredentials } from '../limits/failed-credentials.ts';
import { WorkosFailure } from '../workos/failure.ts';
import type { SignInAnswer, WorkosGateway } from '../workos/gateway.ts';
import type { EndSession } from './end-session.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { NoteFailedSignIn } from './failed-sign-ins.ts';
import type { OrganizationAddresses } from './organization-addresses.ts';
import type { RecordSession } from './record-session.ts';
import { personSource, sessionCreated, sessionEnded, sessionMoved, sessionRefused } from './session-events.ts';
import type { Proven } from './session-events.ts';
import type { EndReason, SessionRepository } from './session-repository.ts';
import { tooMany } from './sign-in-rates.ts';
import type { SignInRates } from './sign-in-rates.ts';

type Deps = {
  workos: Pick<WorkosGateway, 'signIn' | 'chooseOrganization' | 'refreshSession'>;
  verifyToken: (token: string) => Promise<UserCaller | MachineCaller>;
  live: LiveSessions;
  sessions: Pick<SessionRepository, 'find'>;
  endSession: EndSession;
  recordSession: RecordSession;
  noteFailedSignIn: NoteFailedSignIn;
  addresses: OrganizationAddresses;
  rates: SignInRates;
  failures: Pick<FailedCredentials, 'overFor' | 'count' | 'refusal'>;
};

type From = Pick<RequestContext, 'ip' | 'userAgent' | 'requestId'>;
/** How somebody wants to come in, and where. */
type Entry = { credential: Proven; organizationId: string | undefined; from: From };
type Proof = { email: string; password: string; organizationId: string | undefined };
type Choice = { pendingToken: string; organizationId: string };
type Renewal = { refreshToken: string; organizationId: string | undefined };
export type NewSession = {
  caller: UserCaller;
  accessToken: string;
  refreshToken: string;
  user: { id: string; email: string };
};
type SignedIn = Extract<SignInAnswer, { kind: 'signed_in' }>;

const TOO_MANY_REQUESTS = 429;
const RETRY_SECONDS = 60;
/** Only whoever knows the password gets as far as these. */
const NEXT_STEPS = ['email_verification_required', 'mfa_enrollment', 'mfa_challenge'];
const NOT_A_MEMBER = 'organization_membership_not_found';

export type SignIn = ReturnType<typeof makeSignIn>;

/** Signs people in through WorkOS, and renews their sessions. Which part of a proof was wrong is never told. */
export function makeSignIn(deps: Deps) {
  const { workos, rates, failures } = deps;

  async function withPassword({ email, password, organizationId }: Proof, from: From): Promise<NewSession> {
    await rates.fromAddress(from.ip);
    await rates.forAccount(email);
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

  async function renew({ refreshToken, organizationId }: Renewal, from: From): Promise<NewSession> {
    const over = failures.overFor(from.ip);
    if (over !== undefined) throw failures.refusal(over);
    const answer = await ask(() => workos.refreshSession({ refreshToken, organizationId, ...originOf(from) }));
    if (answer.kind === 'refused' && answer.code !== NOT_A_MEMBER) {
      const counted = await failures.count(from.ip);
      if (counted !== undefined) throw failures.refusal(counted);
    }
    return admit(deps, answer, { credential: 'refresh_token', organizationId, from });
  }

  const noting = makeNoting(deps);
  return {
    withPassword: noting('password', withPassword),
    withChoice: noting('pending_authentication_token', withChoice),
    renew: noting('refresh_token', renew),
  };
}

/** The log of an organization that was named is told of a failure before whoever failed is. */
function makeNoting({ noteFailedSignIn }: Pick<Deps, 'noteFailedSignIn'>) {
  return <T extends { organizationId: string | undefined }>(
    credential: Proven,
    enter: (what: T, from: From) => Promise<NewSession>,
  ) =>
    async (what: T, from: From): Promise<NewSession> => {
      try {
        return await enter(what, from);
      } catch (error) {
        await noteFailedSignIn({ organizationId: what.organizationId, credential }, error, from);
        throw error;
      }
    };
}

/** A session is handed out only if it could be used: by its organization, its address, and if it is not over. */
async function admit(deps: Deps, answer: SignInAnswer, entry: Entry): Promise<NewSession> {
  const { organizationId: wanted, from } = entry;
  const { accessToken, refreshToken, user } = accepted(answer, entry.credential);
  const caller = await deps.verifyToken(accessToken);
  if (caller.kind !== 'user') throw new Error('WorkOS answered a sign-in with what is no session');
  try {
    if (wanted !== undefined && caller.organizationId !== wanted) throw notAMember();
    await deps.addresses.assertAllowed(caller.organizationId, from.ip);
    await settle(deps, caller, entry);
  } catch (error) {
    const reason = isInactive(error) ? 'inactive' : 'refused';
    await deps.endSession(caller, reason, refusedOf(caller, entry, reason, error));
    throw error;
  }
  return { caller, accessToken, refreshToken, user };
}

async function settle(deps: Deps, caller: UserCaller, { credential, organizationId: wanted, from }: Entry) {
  if (credential !== 'refresh_token') {
    await deps.live.admit(caller);
    return deps.recordSession(caller, sessionCreated(caller, credential, from));
  }
  // Read first: a use is noted with the organization that it is of.
  const before = wanted === undefined ? undefined : await deps.sessions.find(caller.sessionId);
  await deps.live.admit(caller);
  if (wanted !== undefined && before?.organizationId !== wanted)
    await deps.recordSession(caller, sessionMoved(caller, from));
}

function refusedOf(caller: UserCaller, { credential, from }: Entry, reason: EndReason, error: unknown): AuditEvent {
  const code = error instanceof AppError ? error.code : 'internal_error';
  return credential === 'refresh_token'
    ? sessionEnded(caller, reason, personSource(caller.userId, from), code)
    : sessionRefused(caller, credential, code, from);
}

function isInactive(error: unknown): boolean {
  return error instanceof AppError && error.details?.['reason'] === 'inactive';
}

function accepted(answer: SignInAnswer, credential: string): SignedIn {
  if (answer.kind === 'signed_in') return answer;
  if (answer.kind === 'choice') {
    throw new AppError('organization_choice_required', 'Choose the organization to sign in to.', {
      details: { organizations: answer.organizations, pending_authentication_token: answer.pendingToken },
    });
  }
  if (answer.code === NOT_A_MEMBER) throw notAMember();
  if (NEXT_STEPS.includes(answer.code)) {
    const message = 'WorkOS asks for one more step: sign in on the page of the product.';
    throw new AppError('permission_denied', message, { details: { reason: answer.code } });
  }
  throw new AppError('credential_invalid', MESSAGES[credential] ?? 'Sign in again.', { details: { credential } });
}

const MESSAGES: Readonly<Record<string, string>> = {
  password: 'The e-mail address or the password is not right.',
};

function notAMember(): AppError {
  return new AppError('organization_not_found', 'You are not a member of such an organization.');
}

/** WorkOS bounds how often an account is tried, too. */
async function ask(run: () => Promise<SignInAnswer>): Promise<SignInAnswer> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof WorkosFailure && error.workosStatus === TOO_MANY_REQUESTS)
      throw tooMany(error.saidRetryAfter ?? RETRY_SECONDS);
    throw error;
  }
}

function originOf({ ip, userAgent }: From): Pick<From, 'ip' | 'userAgent'> {
  return { ip, userAgent };
}
