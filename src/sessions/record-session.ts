import type { Knex } from 'knex';
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { SessionOf } from './session-events.ts';
import type { SessionRepository } from './session-repository.ts';

type Deps = {
  db: Knex;
  sessions: Pick<SessionRepository, 'note'>;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

export type RecordSession = ReturnType<typeof makeRecordSession>;

/** Records that a session is of an organization from now on: before it is handed out, or it is not. */
export function makeRecordSession({ db, sessions, audit, clock }: Deps) {
  return ({ sessionId, userId, organizationId }: SessionOf, event: AuditEvent): Promise<void> =>
    transaction(db, async (trx) => {
      await sessions.note([{ sessionId, userId, organizationId, lastActiveAt: clock() }], trx);
      await audit.append(trx, event);
    });
}
