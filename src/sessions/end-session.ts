import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { WorkosSession } from '../workos/entities.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { sessionEnded } from './session-events.ts';
import type { DueSession, Ended, EndReason, SessionRepository } from './session-repository.ts';
import type { KnownAccounts } from './sign-in/known-accounts.ts';

type Deps = {
  db: Knex;
  sessions: SessionRepository;
  workos: Pick<WorkosGateway, 'revokeSession' | 'heldMs'>;
  audit: Pick<AuditLog, 'append'>;
  /** Publishes the change to every replica, when the transaction commits. */
  announce: (trx: Knex.Transaction, change: { organizationId: string; sessionId: string }) => Promise<void>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

export type EndSession = ReturnType<typeof makeEndSession>;
export type MirrorSessions = ReturnType<typeof makeMirrorSessions>;

/** The replica that ends a session calls WorkOS at once; the loop calls only when that has surely failed. */
const FIRST_ATTEMPT_MS = 15_000;
const RETRY_MS = 30_000;
const BATCH = 50;
const MAX_BATCHES = 20;
/** Longer than WorkOS lets a session live, or any token. */
const KEPT_DAYS = 60;
const ACCOUNTS_KEPT_DAYS = 400;
const DAY_MS = 86_400_000;
const SOURCE = backgroundSource('system', 'sessions');

/** Ends a session here, on every replica from the commit on, and then at WorkOS: now, or as soon as WorkOS answers. */
export function makeEndSession({ db, sessions, workos, audit, announce, clock, log }: Deps) {
  /** @param event appended to the audit log unless the session had ended before; undefined for one of no organization */
  return async function endSession(session: Ended, reason: EndReason, event: AuditEvent | undefined): Promise<void> {
    const { sessionId, organizationId } = session;
    const now = clock();
    await transaction(db, async (trx) => {
      const dueAt = new Date(now.getTime() + FIRST_ATTEMPT_MS);
      const isNew = await sessions.end(trx, session, reason, now, dueAt);
      if (isNew && event) await audit.append(trx, event);
      await announce(trx, { organizationId: organizationId ?? '', sessionId });
    });
    try {
      await workos.revokeSession(sessionId);
      await sessions.recordRevoked(sessionId, clock());
    } catch (error) {
      log.warn({ err: error }, 'failed to revoke session at WorkOS; leaving it to the loop');
    }
  };
}

/** Ends sessions here that ended at WorkOS. */
export function makeMirrorSessions({
  sessions,
  audit,
  announce,
}: Pick<Deps, 'audit' | 'announce'> & { sessions: Pick<SessionRepository, 'endRevoked'> }) {
  return {
    /** @returns whether the session had not ended here before */
    async revoked(trx: Knex.Transaction, session: WorkosSession, at: Date, source: AuditSource): Promise<boolean> {
      const ended = await sessions.endRevoked(trx, session, at);
      if (!ended) return false;
      const { sessionId, organizationId } = ended;
      if (organizationId !== undefined)
        await audit.append(trx, sessionEnded({ ...ended, organizationId }, 'revoked', source));
      // Replicas find a session by its id alone; WorkOS need not name its organization.
      await announce(trx, { organizationId: organizationId ?? '', sessionId });
      return true;
    },
  };
}

type LoopDeps = Pick<Deps, 'sessions' | 'clock'> & { items: Pick<Items, 'each'> };

/** Revokes sessions at WorkOS that ended while it did not answer. A session that WorkOS refuses holds up no other. */
export function makeRevokeSessions({ sessions, workos, clock, items }: LoopDeps & Pick<Deps, 'workos'>) {
  async function revoke({ sessionId }: DueSession): Promise<void> {
    await workos.revokeSession(sessionId);
    await sessions.recordRevoked(sessionId, clock());
  }

  return async function revokeSessions(signal: AbortSignal): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
      if (workos.heldMs() > 0) return;
      const now = clock();
      const due = await sessions.claimDue(now, new Date(now.getTime() + RETRY_MS), BATCH);
      await items.each(due, {
        name: ({ sessionId: id, organizationId }) => ({ id, organizationId }),
        work: revoke,
        // After an outage the item is due again when the claim ends.
        postpone: async ({ sessionId }, dueAt) => (dueAt ? sessions.postpone(sessionId, dueAt) : undefined),
      });
      if (due.length < BATCH) return;
    }
  };
}

type SweepDeps = LoopDeps & Pick<Deps, 'db' | 'audit'> & { accounts: Pick<KnownAccounts, 'forget'> };

/** Ends sessions that were not used for `unusedMs`, if given, and deletes old sessions and accounts. */
export function makeSweepSessions(
  { db, sessions, audit, clock, items, accounts }: SweepDeps,
  unusedMs: number | undefined,
) {
  const endOne = (sessionId: string, since: Date, now: Date): Promise<void> =>
    transaction(db, async (trx) => {
      const ended = await sessions.endUnused(trx, sessionId, since, now);
      const { organizationId } = ended ?? {};
      if (ended && organizationId !== undefined)
        await audit.append(trx, sessionEnded({ ...ended, organizationId }, 'inactive', SOURCE));
    });

  async function endUnused(since: Date, now: Date, signal: AbortSignal): Promise<number> {
    const unused = await sessions.listUnused(since, now, BATCH);
    await items.each(unused, {
      name: ({ sessionId: id, organizationId }) => ({ id, organizationId }),
      work: ({ sessionId }) => endOne(sessionId, since, now),
      signal,
    });
    return unused.length;
  }

  return async function sweepSessions(signal: AbortSignal): Promise<void> {
    const nowMs = clock().getTime();
    const unused = () => endUnused(new Date(nowMs - unusedMs!), new Date(nowMs), signal);
    const old = () => sessions.deleteOld(new Date(nowMs - KEPT_DAYS * DAY_MS), BATCH);
    const oldAccounts = () => accounts.forget(new Date(nowMs - ACCOUNTS_KEPT_DAYS * DAY_MS), BATCH);
    for (const step of [...(unusedMs === undefined ? [] : [unused]), old, oldAccounts]) {
      for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) if ((await step()) < BATCH) break;
    }
  };
}
