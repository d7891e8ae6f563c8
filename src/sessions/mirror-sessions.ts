import type { Knex } from 'knex';
import type { AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { WorkosSession } from '../workos/entities.ts';
import { sessionEnded } from './session-events.ts';

type Deps = {
  audit: Pick<AuditLog, 'append'>;
  /** Tells every process, when the transaction commits. */
  announce: (trx: Knex.Transaction, change: { organizationId: string; sessionId: string }) => Promise<void>;
};

export type MirrorSessions = ReturnType<typeof makeMirrorSessions>;

/** What WorkOS tells of people's sessions. */
export function makeMirrorSessions({ audit, announce }: Deps) {
  return {
    /** Ends a session here that is over at WorkOS since `at`. @returns whether it had not ended here before */
    async revoked(trx: Knex.Transaction, session: WorkosSession, at: Date, source: AuditSource): Promise<boolean> {
      const ended = await noteRevoked(trx, session, at);
      if (!ended) return false;
      const { id: sessionId, userId } = session;
      const organizationId = ended.organization_id ?? undefined;
      if (organizationId !== undefined) {
        const of = { sessionId, userId, organizationId };
        await audit.append(trx, sessionEnded(of, 'revoked', source));
      }
      // Processes know a session by its id alone, and WorkOS need not say whose organization's it was.
      await announce(trx, { organizationId: organizationId ?? '', sessionId });
      return true;
    },
  };
}

async function noteRevoked(trx: Knex.Transaction, { id, userId, organizationId }: WorkosSession, at: Date) {
  const { rows } = await trx.raw<{ rows: { organization_id: string | null }[] }>(
    `insert into user_sessions as known
       (session_id, user_id, organization_id, last_active_at, ended_at, end_reason, workos_revoked_at)
     values (:id, :user, :organization, :at, :at, 'revoked', :at)
     on conflict (session_id) do update
       set organization_id = coalesce(excluded.organization_id, known.organization_id), ended_at = excluded.ended_at,
           end_reason = excluded.end_reason, workos_revoked_at = excluded.workos_revoked_at
       where known.ended_at is null
     returning organization_id`,
    { id, user: userId, organization: organizationId ?? null, at },
  );
  return rows[0];
}
