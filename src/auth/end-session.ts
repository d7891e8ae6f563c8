import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import type { Ended, SessionEnds } from './session-ends-repository.ts';
import { sessionEnded } from './session-events.ts';
import type { SessionOf } from './session-events.ts';
import type { EndReason, SessionRepository } from './session-repository.ts';

type Deps = {
  db: Knex;
  sessions: Pick<SessionRepository, 'end'>;
  ends: SessionEnds;
  workos: Pick<WorkosGateway, 'revokeSession'>;
  audit: Pick<AuditLog, 'append' | 'appendAll'>;
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
const SOURCE = backgroundSource('system', 'sessions');

/** Ends a session here, from the commit on and on every replica, and then at WorkOS: now, or as soon as it answers. */
export function makeEndSession({ db, sessions, ends, workos, audit, announce, clock, log }: Deps) {
  /** @param event what the audit log is told, unless it had ended before */
  return async function endSession(session: SessionOf, reason: EndReason, event: AuditEvent): Promise<void> {
    const { sessionId, organizationId } = session;
    const now = clock();
    await transaction(db, async (trx) => {
      const dueAt = new Date(now.getTime() + FIRST_ATTEMPT_MS);
      if (await sessions.end(trx, session, reason, now, dueAt)) await audit.append(trx, event);
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
export function makeSweepSessions(
  { db, ends, audit, clock }: Pick<Deps, 'db' | 'ends' | 'audit' | 'clock'>,
  unusedMs: number | undefined,
) {
  const endUnused = (since: Date, now: Date): Promise<number> =>
    transaction(db, async (trx) => {
      const ended = await ends.endUnused(trx, since, now, BATCH);
      for (const [organizationId, events] of eventsOf(ended)) await audit.appendAll(trx, organizationId, events);
      return ended.length;
    });

  return async function sweepSessions(signal: AbortSignal): Promise<void> {
    const nowMs = clock().getTime();
    const unused = () => endUnused(new Date(nowMs - unusedMs!), new Date(nowMs));
    const old = () => ends.forget(new Date(nowMs - KEPT_DAYS * DAY_MS), BATCH);
    for (const step of unusedMs === undefined ? [old] : [unused, old]) {
      for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) if ((await step()) < BATCH) break;
    }
  };
}

/** In the order of organizations, in which whoever locks more than one chain locks them. */
function eventsOf(ended: readonly Ended[]): [string, AuditEvent[]][] {
  const events = ended.flatMap(({ organizationId, ...session }) =>
    organizationId === undefined ? [] : [sessionEnded({ ...session, organizationId }, 'inactive', SOURCE)],
  );
  return [...Map.groupBy(events, ({ organizationId }) => organizationId)].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
