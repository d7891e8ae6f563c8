import type { Knex } from 'knex';

export type EndReason = 'signed_out' | 'inactive' | 'refused' | 'revoked';
export type SessionUse = { sessionId: string; userId: string; organizationId: string; lastActiveAt: Date };
export type SessionState = {
  organizationId: string | undefined;
  lastActiveAt: Date;
  endReason: EndReason | undefined;
};
type Row = {
  session_id: string;
  organization_id: string | null;
  last_active_at: Date;
  end_reason: EndReason | null;
};
type Of = { sessionId: string; userId: string; organizationId: string | undefined };

export type SessionRepository = ReturnType<typeof makeSessionRepository>;

/** What is known here of people's sessions. A session's id is WorkOS's and of one person, whatever the organization. */
export function makeSessionRepository(db: Knex) {
  return {
    async find(sessionId: string): Promise<SessionState | undefined> {
      const row = await db<Row>('user_sessions')
        .where({ session_id: sessionId })
        .first('organization_id', 'last_active_at', 'end_reason');
      return row && toState(row);
    },

    /** Writes when sessions were used last; what is written already may be later, and stays. */
    async note(uses: readonly SessionUse[], within: Knex = db): Promise<void> {
      // Whoever locks more than one row locks them in this order.
      const sorted = uses.toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1));
      await within.raw(
        `insert into user_sessions as known (session_id, user_id, organization_id, last_active_at)
         select * from unnest(?::text[], ?::text[], ?::text[], ?::timestamptz[])
         on conflict (session_id) do update
           set last_active_at = greatest(known.last_active_at, excluded.last_active_at),
               organization_id = excluded.organization_id`,
        [
          sorted.map(({ sessionId }) => sessionId),
          sorted.map(({ userId }) => userId),
          sorted.map(({ organizationId }) => organizationId),
          sorted.map(({ lastActiveAt }) => lastActiveAt),
        ],
      );
    },

    /**
     * One that has ended already stays as it ended. WorkOS is told by whoever looks at `dueAt`.
     * @returns whether it had not ended before
     */
    async end(trx: Knex.Transaction, session: Of, reason: EndReason, now: Date, dueAt: Date): Promise<boolean> {
      const { rows } = await trx.raw<{ rows: unknown[] }>(
        `insert into user_sessions as known
           (session_id, user_id, organization_id, last_active_at, ended_at, end_reason, due_at)
         values (:session, :user, :organization, :now, :now, :reason, :due)
         on conflict (session_id) do update
           set ended_at = excluded.ended_at, end_reason = excluded.end_reason, due_at = excluded.due_at
           where known.ended_at is null
         returning 1`,
        {
          session: session.sessionId,
          user: session.userId,
          organization: session.organizationId ?? null,
          now,
          reason,
          due: dueAt,
        },
      );
      return rows.length > 0;
    },
  };
}

function toState({ organization_id, last_active_at: lastActiveAt, end_reason }: Omit<Row, 'session_id'>): SessionState {
  return { organizationId: organization_id ?? undefined, lastActiveAt, endReason: end_reason ?? undefined };
}
