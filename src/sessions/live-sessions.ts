import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { UserCaller } from '../http/caller.ts';
import { makeGuardedMemory } from '../invalidation/guarded-memory.ts';
import type { SessionActivity } from './session-activity.ts';
import type { EndReason, SessionState } from './session-repository.ts';

/** Finds a session; what is not good may be read again elsewhere before it is refused. */
export type FindSession = (
  sessionId: string,
  isGood: (session: SessionState) => boolean,
) => Promise<SessionState | undefined>;
export type SessionMemory = ReturnType<typeof makeSessionMemory>;

type Deps = {
  findSession: FindSession;
  memory: Pick<SessionMemory, 'get' | 'fill' | 'generation'>;
  activity: Pick<SessionActivity, 'lastMs' | 'recordUse'>;
  /** After how long without a use a session is over; undefined: never. */
  inactivityMs: number | undefined;
  /** Whether this replica receives every invalidation, so that its memory is current. */
  isTrusted: () => boolean;
  clock: Clock;
};

export type LiveSessions = ReturnType<typeof makeLiveSessions>;

const MAX_SESSIONS = 100_000;
const MESSAGES: Readonly<Record<EndReason, string>> = {
  signed_out: 'This session was signed out. Sign in again.',
  inactive: 'This session was not used for too long. Sign in again.',
  refused: 'This session was ended. Sign in again.',
  revoked: 'This session was ended at WorkOS. Sign in again.',
};

/** Sessions that are not over, with the last use that this replica knows of. */
export function makeSessionMemory() {
  return makeGuardedMemory<{ lastActiveMs: number }>({ max: MAX_SESSIONS, nameIn: ({ sessionId }) => sessionId });
}

/**
 * Judges sessions whose token is good, and records their use. Memory answers while it is current. Before a session is
 * refused as inactive the database is read, since another replica may know of a later use.
 */
export function makeLiveSessions({ findSession, memory, activity, inactivityMs, isTrusted, clock }: Deps) {
  const isInactive = (lastMs: number, nowMs: number) => inactivityMs !== undefined && nowMs - lastMs >= inactivityMs;

  async function use(caller: UserCaller, nowMs: number): Promise<void> {
    if (inactivityMs !== undefined) await activity.recordUse(caller, nowMs);
  }

  async function lookUp(caller: UserCaller, nowMs: number): Promise<void> {
    const { sessionId, issuedAt } = caller;
    const generation = memory.generation();
    const isUnused = (session: SessionState | undefined) =>
      isInactive(lastUse(session?.lastActiveAt, activity.lastMs(sessionId)) ?? issuedAt.getTime(), nowMs);
    const found = await findSession(sessionId, (session) => !session.endReason && !isUnused(session));
    if (found?.endReason) throw sessionOver(found.endReason);
    if (isUnused(found)) throw sessionOver('inactive');
    await use(caller, nowMs);
    if (isTrusted()) memory.fill(sessionId, { lastActiveMs: nowMs }, generation);
  }

  return {
    /** @throws AppError `credential_expired` with `details.reason` */
    async admit(caller: UserCaller): Promise<void> {
      const nowMs = clock().getTime();
      const known = isTrusted() ? memory.get(caller.sessionId) : undefined;
      if (!known || isInactive(known.lastActiveMs, nowMs)) return lookUp(caller, nowMs);
      known.lastActiveMs = Math.max(known.lastActiveMs, nowMs);
      return use(caller, nowMs);
    },
  };
}

/** The later of the written use and the one in memory. Renewing a token is no use of its session. */
function lastUse(written: Date | undefined, remembered: number | undefined): number | undefined {
  if (written === undefined) return remembered;
  return Math.max(written.getTime(), remembered ?? 0);
}

export function sessionOver(reason: EndReason): AppError {
  return new AppError('credential_expired', MESSAGES[reason], { details: { reason } });
}
