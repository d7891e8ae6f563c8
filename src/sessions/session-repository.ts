import type { Knex } from 'knex';
import { notSetAside } from '../background/items.ts';
import type { WorkosSession } from '../workos/entities.ts';
import { forgetRefreshToken } from './opaque/token-repository.ts';

export type EndReason = 'signed_out' | 'inactive' | 'refused' | 'revoked';
export type SessionUse = { sessionId: string; userId: string; organizationId: string; lastActiveAt: Date };
export type SessionState = {
  organizationId: string | undefined;
  lastActiveAt: Date;
  endReason: EndReason | undefined;
};
/** A session that has ended here and is still to be revoked at WorkOS, or that is to be ended. */
export type DueSession = { sessionId: string; organizationId: string | undefined };
export type Ended = DueSession & { userId: string };

type Row = {
  session_id: string;
  user_id: string;
  organization_id: string | null;
  last_active_at: Date;
  end_reason: EndReason | null;
  refresh_hash: string;
  due_at: Date;
};

/** The loop that ends unused sessions. */
export const SWEEP_LOOP = 'sweep_sessions';

export type SessionRepository = ReturnType<typeof makeSessionRepository>;

/** The table `user_sessions`. A session's id is WorkOS's; the session stays one person's, whatever the organization. */
export function makeSessionRepository(db: Knex) {
  return { ...usesIn(db), ...endsIn(), ...revocationsIn(db), ...unusedIn(db), ...refreshTokensIn(db) };
}

function usesIn(db: Knex) {
  return {
    async find(sessionId: string): Promise<SessionState | undefined> {
      const row = await db<Row>('user_sessions')
        .where({ session_id: sessionId })
        .first('organization_id', 'last_active_at', 'end_reason');
      if (!row) return undefined;
      const { organization_id, last_active_at: lastActiveAt, end_reason } = row;
      return { organizationId: organization_id ?? undefined, lastActiveAt, endReason: end_reason ?? undefined };
    },

    /** Writes when sessions were last used; a later time that is written already stays. */
    async recordUses(uses: readonly SessionUse[], within: Knex = db): Promise<void> {
      // Every statement that locks several rows locks them in this order.
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
  };
}

/** Ends that are recorded inside the caller's transaction. A session that has ended stays as it ended. */
function endsIn() {
  return {
    /**
     * Ends a session here and schedules its revocation at WorkOS for `dueAt`.
     * @returns whether it had not ended before
     */
    async end(trx: Knex.Transaction, session: Ended, reason: EndReason, now: Date, dueAt: Date): Promise<boolean> {
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
      if (rows.length > 0) await forgetRefreshToken(trx, session.sessionId);
      return rows.length > 0;
    },

    /**
     * Ends a session here that WorkOS revoked at `at`.
     * @returns the session, whose organization WorkOS need not name; undefined if it had ended before
     */
    async endRevoked(
      trx: Knex.Transaction,
      { id: sessionId, userId, organizationId }: WorkosSession,
      at: Date,
    ): Promise<Ended | undefined> {
      const { rows } = await trx.raw<{ rows: Pick<Row, 'organization_id'>[] }>(
        `insert into user_sessions as known
           (session_id, user_id, organization_id, last_active_at, ended_at, end_reason, workos_revoked_at)
         values (:id, :user, :organization, :at, :at, 'revoked', :at)
         on conflict (session_id) do update
           set organization_id = coalesce(excluded.organization_id, known.organization_id),
               ended_at = excluded.ended_at, end_reason = excluded.end_reason,
               workos_revoked_at = excluded.workos_revoked_at
           where known.ended_at is null
         returning organization_id`,
        { id: sessionId, user: userId, organization: organizationId ?? null, at },
      );
      if (rows[0]) await forgetRefreshToken(trx, sessionId);
      return rows[0] && { sessionId, userId, organizationId: rows[0].organization_id ?? undefined };
    },
  };
}

/** Revocations at WorkOS that are still to be made, by any number of replicas. */
function revocationsIn(db: Knex) {
  return {
    /** Claims sessions to be revoked at WorkOS; no other replica gets them before `again`. */
    async claimDue(now: Date, again: Date, limit: number): Promise<DueSession[]> {
      const { rows } = await db.raw<{ rows: Row[] }>(
        `update user_sessions set due_at = ?, attempts = attempts + 1
         where session_id in (
           select session_id from user_sessions where due_at <= ? order by due_at limit ? for update skip locked)
         returning session_id, organization_id`,
        [again, now, limit],
      );
      return rows.map(toDue);
    },

    /** Postpones a revocation, unless WorkOS has confirmed it meanwhile. */
    async postpone(sessionId: string, dueAt: Date): Promise<void> {
      await db('user_sessions').where({ session_id: sessionId }).whereNotNull('due_at').update({ due_at: dueAt });
    },

    /** Returns how long the oldest revocation is overdue, in seconds; 0 when none is. */
    async lagSeconds(now: Date): Promise<number> {
      const row = await db<Row>('user_sessions').where('due_at', '<=', now).orderBy('due_at').first('due_at');
      return row ? (now.getTime() - row.due_at.getTime()) / 1_000 : 0;
    },

    /** Records that WorkOS has revoked the session. */
    async recordRevoked(sessionId: string, now: Date): Promise<void> {
      await db('user_sessions').where({ session_id: sessionId }).update({ workos_revoked_at: now, due_at: null });
    },
  };
}

function toDue({ session_id: sessionId, organization_id: organizationId }: Row): DueSession {
  return { sessionId, organizationId: organizationId ?? undefined };
}

function unusedIn(db: Knex) {
  return {
    /** Lists open sessions that were last used before `since`, without those that the sweep set aside. */
    async listUnused(since: Date, now: Date, limit: number): Promise<DueSession[]> {
      const rows = await db<Row>('user_sessions')
        .whereNull('ended_at')
        .where('last_active_at', '<', since)
        .whereRaw(notSetAside(SWEEP_LOOP, 'user_sessions.session_id'), [now])
        .orderBy('last_active_at')
        .limit(limit)
        .select('session_id', 'organization_id');
      return (rows as Row[]).map(toDue);
    },

    /** Ends a session; undefined when it was used after `since`, has ended, or another replica holds its row. */
    async endUnused(trx: Knex.Transaction, sessionId: string, since: Date, now: Date): Promise<Ended | undefined> {
      const { rows } = await trx.raw<{ rows: Row[] }>(
        `update user_sessions set ended_at = ?, end_reason = 'inactive', due_at = ?
         where session_id in (
           select session_id from user_sessions where session_id = ? and ended_at is null and last_active_at < ?
           for update skip locked)
         returning session_id, user_id, organization_id`,
        [now, now, sessionId, since],
      );
      if (rows[0]) await forgetRefreshToken(trx, sessionId);
      return rows[0] && { ...toDue(rows[0]), userId: rows[0].user_id };
    },

    /** Deletes sessions that were last used, and have ended, before `since`. @returns how many */
    async deleteOld(since: Date, limit: number): Promise<number> {
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

/** The refresh token that each session was last given, as a keyed hash. */
function refreshTokensIn(db: Knex) {
  return {
    /** @returns session ids by hash, for open sessions */
    async findByRefreshHashes(hashes: readonly string[]): Promise<ReadonlyMap<string, string>> {
      const rows = await db<Row>('user_sessions')
        .whereRaw('refresh_hash = any(?)', [hashes as string[]])
        .whereNull('ended_at')
        .select('refresh_hash', 'session_id');
      return new Map(rows.map((row) => [row.refresh_hash, row.session_id]));
    },

    /** Replaces the hash that the session had before. Renewing counts as a use. */
    async putRefreshHash({ sessionId, userId, organizationId, lastActiveAt }: SessionUse, hash: string): Promise<void> {
      await db.raw(
        `insert into user_sessions as known (session_id, user_id, organization_id, last_active_at, refresh_hash)
         values (?, ?, ?, ?, ?)
         on conflict (session_id) do update
           set refresh_hash = excluded.refresh_hash,
               last_active_at = greatest(known.last_active_at, excluded.last_active_at)`,
        [sessionId, userId, organizationId, lastActiveAt, hash],
      );
    },

    async dropRefreshHashes(hashes: readonly string[]): Promise<void> {
      await db('user_sessions').whereIn('refresh_hash', hashes).update({ refresh_hash: null });
    },
  };
}
