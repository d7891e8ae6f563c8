import type { Knex } from 'knex';
import { notSetAside } from '../background/items.ts';

export type DueSession = { sessionId: string; organizationId: string | undefined };
type DueRow = { session_id: string; organization_id: string | null };
type EndedRow = DueRow & { user_id: string };
export type Ended = DueSession & { userId: string };

/** The loop that ends unused sessions. */
export const SWEEP_LOOP = 'sweep_sessions';

export type SessionEnds = ReturnType<typeof makeSessionEndsRepository>;

/** What is left to be done about sessions, some at a time, on any number of replicas. */
export function makeSessionEndsRepository(db: Knex) {
  return {
    ...unusedIn(db),

    /** Takes sessions that WorkOS is to be told of, and keeps others from it until `again`. */
    async claimDue(now: Date, again: Date, limit: number): Promise<DueSession[]> {
      const { rows } = await db.raw<{ rows: DueRow[] }>(
        `update user_sessions set due_at = ?, attempts = attempts + 1
         where session_id in (
           select session_id from user_sessions where due_at <= ? order by due_at limit ? for update skip locked)
         returning session_id, organization_id`,
        [again, now, limit],
      );
      return rows.map(toDue);
    },

    /** Leaves a session alone until then, unless WorkOS has agreed meanwhile. */
    async postpone(sessionId: string, dueAt: Date): Promise<void> {
      await db('user_sessions').where({ session_id: sessionId }).whereNotNull('due_at').update({ due_at: dueAt });
    },

    /** How long the oldest session has waited for WorkOS, in seconds; 0 when none is late. */
    async lagSeconds(now: Date): Promise<number> {
      const row = await db<{ due_at: Date }>('user_sessions')
        .where('due_at', '<=', now)
        .orderBy('due_at')
        .first('due_at');
      return row ? (now.getTime() - row.due_at.getTime()) / 1_000 : 0;
    },

    /** WorkOS agrees that it is over. */
    async revoked(sessionId: string, now: Date): Promise<void> {
      await db('user_sessions').where({ session_id: sessionId }).update({ workos_revoked_at: now, due_at: null });
    },

    /** Forgets sessions of which nothing was heard since then. @returns how many */
    async forget(since: Date, limit: number): Promise<number> {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        `delete from user_sessions
         where session_id in (
           select session_id from user_sessions
           where last_active_at < :since and (ended_at is null or ended_at < :since)
           limit :limit for update skip locked)
         returning 1`,
        { since, limit },
      );
      return rows.length;
    },
  };
}

function toDue({ session_id: sessionId, organization_id: organizationId }: DueRow): DueSession {
  return { sessionId, organizationId: organizationId ?? undefined };
}

function unusedIn(db: Knex) {
  return {
    /** What nobody used since then, without what is set aside. */
    async listUnused(since: Date, now: Date, limit: number): Promise<DueSession[]> {
      const rows = await db<EndedRow & { last_active_at: Date }>('user_sessions')
        .whereNull('ended_at')
        .where('last_active_at', '<', since)
        .whereRaw(notSetAside(SWEEP_LOOP, 'user_sessions.session_id'), [now])
        .orderBy('last_active_at')
        .limit(limit)
        .select('session_id', 'organization_id');
      return rows.map(toDue);
    },

    /** Ends a session that nobody used since then; undefined when somebody did, or it has ended or is held. */
    async endUnused(trx: Knex.Transaction, sessionId: string, since: Date, now: Date): Promise<Ended | undefined> {
      const { rows } = await trx.raw<{ rows: EndedRow[] }>(
        `update user_sessions set ended_at = ?, end_reason = 'inactive', due_at = ?
         where session_id in (
           select session_id from user_sessions where session_id = ? and ended_at is null and last_active_at < ?
           for update skip locked)
         returning session_id, user_id, organization_id`,
        [now, now, sessionId, since],
      );
      return rows[0] && { ...toDue(rows[0]), userId: rows[0].user_id };
    },
  };
}
