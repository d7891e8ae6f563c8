import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { UserCaller } from '../http/caller.ts';
import type { SessionActivity } from './session-activity.ts';
import type { SessionMemory } from './session-memory.ts';
import type { EndReason, SessionRepository } from './session-repository.ts';

type Deps = {
  sessions: Pick<SessionRepository, 'find'>;
  memory: Pick<SessionMemory, 'get' | 'fill' | 'generation'>;
  activity: Pick<SessionActivity, 'lastMs' | 'note'>;
  /** After how long without a use a session is over; undefined: never for that. */
  inactivityMs: number | undefined;
  /** Whether this process hears of every session that ends. */
  isTrusted: () => boolean;
  clock: Clock;
};

export type LiveSessions = ReturnType<typeof makeLiveSessions>;

const MESSAGES: Readonly<Record<EndReason, string>> = {
  signed_out: 'This session was signed out. Sign in again.',
  inactive: 'Nobody used this session for too long. Sign in again.',
  refused: 'This session was ended. Sign in again.',
  revoked: 'This session was ended at WorkOS. Sign in again.',
};

/**
 * Judges sessions whose token is good, and notes that they are used. From memory while it may be believed; whoever
 * would be refused by memory is looked up, for another process may know of a later use.
 */
export function makeLiveSessions({ sessions, memory, activity, inactivityMs, isTrusted, clock }: Deps) {
  const isInactive = (lastMs: number, nowMs: number) => inactivityMs !== undefined && nowMs - lastMs >= inactivityMs;

  async function use(caller: UserCaller, nowMs: number): Promise<void> {
    if (inactivityMs !== undefined) await activity.note(caller, nowMs);
  }

  async function lookUp(caller: UserCaller, nowMs: number): Promise<void> {
    const { sessionId, issuedAt } = caller;
    const generation = memory.generation();
    const found = await sessions.find(sessionId);
    if (found?.endReason) throw sessionOver(found.endReason);
    if (isInactive(lastUse(found?.lastActiveAt, activity.lastMs(sessionId)) ?? issuedAt.getTime(), nowMs))
      throw sessionOver('inactive');
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

/** The later of what is written and what is not yet. That a token was made anew is no use of its session. */
function lastUse(written: Date | undefined, remembered: number | undefined): number | undefined {
  if (written === undefined) return remembered;
  return Math.max(written.getTime(), remembered ?? 0);
}

export function sessionOver(reason: EndReason): AppError {
  return new AppError('credential_expired', MESSAGES[reason], { details: { reason } });
}
