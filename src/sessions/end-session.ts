import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import type { DueSession, Ended, SessionEnds } from './session-ends-repository.ts';
import { sessionEnded } from './session-events.ts';
import type { KnownAccounts } from './sign-in/known-accounts.ts';
import type { EndReason, SessionRepository } from './session-repository.ts';

type Deps = {
  db: Knex;
  sessions: Pick<SessionRepository, 'end'>;
  ends: SessionEnds;
  workos: Pick<WorkosGateway, 'revokeSession' | 'heldMs'>;
  audit: Pick<AuditLog, 'append'>;
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
const ACCOUNTS_KEPT_DAYS = 400;
const DAY_MS = 86_400_000;
const SOURCE = backgroundSource('system', 'sessions');

/** Ends a session here, from the commit on and on every replica, and then at WorkOS: now, or as soon as it answers. */
export function makeEndSession({ db, sessions, ends, workos, audit, announce, clock, log }: Deps) {
  /** @param event what the audit log is told, unless it had ended before; nothing of a session of no organization */
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
      await ends.revoked(sessionId, clock());
    } catch (error) {
      log.warn({ err: error }, 'a session has ended here and will be revoked at WorkOS later');
    }
  };
}

/** Revokes sessions at WorkOS that ended while it did not answer; one that it refuses holds up no other. */
export function makeRevokeSessions({
  ends,
  workos,
  clock,
  items,
}: Pick<Deps, 'ends' | 'workos' | 'clock'> & { items: Pick<Items, 'each'> }) {
  async function revoke({ sessionId }: DueSession): Promise<void> {
    await workos.revokeSession(sessionId);
    await ends.revoked(sessionId, clock());
  }

  return async function revokeSessions(signal: AbortSignal): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
      if (workos.heldMs() > 0) return;
      const now = clock();
      const due = await ends.claimDue(now, new Date(now.getTime() + RETRY_MS), BATCH);
      await items.each(due, {
        name: ({ sessionId: id, organizationId }) => ({ id, organizationId }),
        work: revoke,
        // What failed otherwise is due again when the claim is over.
        postpone: async ({ sessionId }, dueAt) => (dueAt ? ends.postpone(sessionId, dueAt) : undefined),
      });
      if (due.length < BATCH) return;
    }
  };
}

type SweepDeps = Pick<Deps, 'db' | 'ends' | 'audit' | 'clock'> & {
  items: Pick<Items, 'each'>;
  accounts: Pick<KnownAccounts, 'forget'>;
};

/** Ends sessions that nobody used for `unusedMs`, if that is given, and forgets those of long ago, and accounts. */
export function makeSweepSessions(
  { db, ends, audit, clock, items, accounts }: SweepDeps,
  unusedMs: number | undefined,
) {
  const endOne = (sessionId: string, since: Date, now: Date): Promise<void> =>
    transaction(db, async (trx) => {
      const ended = await ends.endUnused(trx, sessionId, since, now);
      const { organizationId } = ended ?? {};
      if (ended && organizationId !== undefined)
        await audit.append(trx, sessionEnded({ ...ended, organizationId }, 'inactive', SOURCE));
    });

  async function endUnused(since: Date, now: Date, signal: AbortSignal): Promise<number> {
    const unused = await ends.listUnused(since, now, BATCH);
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
    const old = () => ends.forget(new Date(nowMs - KEPT_DAYS * DAY_MS), BATCH);
    const oldAccounts = () => accounts.forget(new Date(nowMs - ACCOUNTS_KEPT_DAYS * DAY_MS), BATCH);
    for (const step of [...(unusedMs === undefined ? [] : [unused]), old, oldAccounts]) {
      for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) if ((await step()) < BATCH) break;
    }
  };
}
