import type { Knex } from 'knex';

type EndedRow = { session_id: string; user_id: string; organization_id: string | null };
export type Ended = { sessionId: string; userId: string; organizationId: string | undefined };

export type SessionEnds = ReturnType<typeof makeSessionEndsRepository>;

/** What is left to be done about sessions, some at a time, on any number of replicas. */
export function makeSessionEndsRepository(db: Knex) {
  return {
    /** Ends what nobody used since then. @returns what it ended */
    async endUnused(trx: Knex.Transaction, since: Date, now: Date, limit: number): Promise<Ended[]> {
      const { rows } = await trx.raw<{ rows: EndedRow[] }>(
        `update user_sessions set ended_at = ?, end_reason = 'inactive', due_at = ?
         where session_id in (
           select session_id from user_sessions where ended_at is null and last_active_at < ?
           order by last_active_at limit ? for update skip locked)
         returning session_id, user_id, organization_id`,
        [now, now, since, limit],
      );
      return rows.map(({ session_id: sessionId, user_id: userId, organization_id: organizationId }) => ({
        sessionId,
        userId,
        organizationId: organizationId ?? undefined,
      }));
    },

    /** Takes sessions that WorkOS is to be told of, and keeps others from it until `again`. */
    async claimDue(now: Date, again: Date, limit: number): Promise<string[]> {
      const { rows } = await db.raw<{ rows: { session_id: string }[] }>(
        `update user_sessions set due_at = ?, attempts = attempts + 1
         where session_id in (
           select session_id from user_sessions where due_at <= ? order by due_at limit ? for update skip locked)
         returning session_id`,
        [again, now, limit],
      );
      return rows.map(({ session_id: sessionId }) => sessionId);
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
