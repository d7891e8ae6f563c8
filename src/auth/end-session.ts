import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { UserCaller } from '../http/caller.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import type { SessionEnds } from './session-ends-repository.ts';
import type { EndReason, SessionRepository } from './session-repository.ts';

type Deps = {
  db: Knex;
  sessions: Pick<SessionRepository, 'end'>;
  ends: SessionEnds;
  workos: Pick<WorkosGateway, 'revokeSession'>;
  /** Tells every process, when the transaction commits. */
  announce: (trx: Knex.Transaction, change: { organizationId: string; sessionId: string }) => Promise<void>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

export type EndSession = ReturnType<typeof makeEndSession>;

/** The one who ends a session asks WorkOS at once; others ask when that surely failed. */
const FIRST_ATTEMPT_MS = 15_000;
const RETRY_MS = 30_000;
const BATCH = 50;
const MAX_BATCHES = 20;
/** Longer than WorkOS lets a session live, or any token. */
const KEPT_DAYS = 60;
const DAY_MS = 86_400_000;

/** Ends a session here, from the commit on and on every replica, and then at WorkOS: now, or as soon as it answers. */
export function makeEndSession({ db, sessions, ends, workos, announce, clock, log }: Deps) {
  return async function endSession(session: Of, reason: EndReason): Promise<void> {
    const { sessionId, organizationId } = session;
    const now = clock();
    await transaction(db, async (trx) => {
      await sessions.end(trx, session, reason, now, new Date(now.getTime() + FIRST_ATTEMPT_MS));
      await announce(trx, { organizationId, sessionId });
    });
    try {
      await workos.revokeSession(sessionId);
      await ends.revoked(sessionId, clock());
    } catch (error) {
      log.warn({ err: error }, 'a session has ended here and will be revoked at WorkOS later');
    }
  };
}

type Of = Pick<UserCaller, 'sessionId' | 'userId' | 'organizationId'>;

/** Tells WorkOS of sessions that ended while it did not answer. */
export function makeRevokeSessions({ ends, workos, clock }: Pick<Deps, 'ends' | 'workos' | 'clock'>) {
  return async function revokeSessions(signal: AbortSignal): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
      const now = clock();
      const due = await ends.claimDue(now, new Date(now.getTime() + RETRY_MS), BATCH);
      for (const sessionId of due) {
        await workos.revokeSession(sessionId);
        await ends.revoked(sessionId, clock());
      }
      if (due.length < BATCH) return;
    }
  };
}

/** Ends sessions that nobody used for `unusedMs`, if that is given, and forgets those of long ago. */
export function makeSweepSessions({ ends, clock }: Pick<Deps, 'ends' | 'clock'>, unusedMs: number | undefined) {
  return async function sweepSessions(signal: AbortSignal): Promise<void> {
    const nowMs = clock().getTime();
    const unused = () => ends.endUnused(new Date(nowMs - unusedMs!), new Date(nowMs), BATCH);
    const old = () => ends.forget(new Date(nowMs - KEPT_DAYS * DAY_MS), BATCH);
    for (const step of unusedMs === undefined ? [old] : [unused, old]) {
      for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) if ((await step()) < BATCH) break;
    }
  };
}
