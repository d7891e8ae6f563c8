import type { Knex } from 'knex';

export type EndReason = 'signed_out' | 'inactive' | 'refused';
export type SessionUse = { sessionId: string; userId: string; organizationId: string; lastActiveAt: Date };
export type SessionState = { lastActiveAt: Date; endReason: EndReason | undefined };
type Of = { sessionId: string; userId: string; organizationId: string };

export type SessionRepository = ReturnType<typeof makeSessionRepository>;

/** What is known here of people's sessions. A session's id is WorkOS's and of one person, whatever the organization. */
export function makeSessionRepository(db: Knex) {
  return {
    async find(sessionId: string): Promise<SessionState | undefined> {
      const row = await db<{ session_id: string; last_active_at: Date; end_reason: EndReason | null }>('user_sessions')
        .where({ session_id: sessionId })
        .first('last_active_at', 'end_reason');
      return row && { lastActiveAt: row.last_active_at, endReason: row.end_reason ?? undefined };
    },

    /** Writes when sessions were used last; what is written already may be later, and stays. */
    async note(uses: readonly SessionUse[]): Promise<void> {
      await db.raw(
        `insert into user_sessions as known (session_id, user_id, organization_id, last_active_at)
         select * from unnest(?::text[], ?::text[], ?::text[], ?::timestamptz[])
         on conflict (session_id) do update
           set last_active_at = greatest(known.last_active_at, excluded.last_active_at),
               organization_id = excluded.organization_id`,
        [
          uses.map(({ sessionId }) => sessionId),
          uses.map(({ userId }) => userId),
          uses.map(({ organizationId }) => organizationId),
          uses.map(({ lastActiveAt }) => lastActiveAt),
        ],
      );
    },

    /** One that has ended already stays as it ended. WorkOS is told by whoever looks at `dueAt`. */
    async end(trx: Knex.Transaction, session: Of, reason: EndReason, now: Date, dueAt: Date): Promise<void> {
      await trx.raw(
        `insert into user_sessions as known
           (session_id, user_id, organization_id, last_active_at, ended_at, end_reason, due_at)
         values (:session, :user, :organization, :now, :now, :reason, :due)
         on conflict (session_id) do update
           set ended_at = excluded.ended_at, end_reason = excluded.end_reason, due_at = excluded.due_at
           where known.ended_at is null`,
        {
          session: session.sessionId,
          user: session.userId,
          organization: session.organizationId,
          now,
          reason,
          due: dueAt,
        },
      );
    },
  };
}
