import type { Knex } from 'knex';
import { directionOf, toPage, unknownCursor } from '../http/pagination.ts';
import type { Page, PageRequest } from '../http/pagination.ts';
import type { Actor, AuditAction, AuditEvent } from './audit-log.ts';

export type RecordedEvent = AuditEvent & { id: string; sequence: number; occurredAt: Date };
export type AuditFilter = {
  action?: AuditAction | undefined;
  targetId?: string | undefined;
  actorId?: string | undefined;
};

type AuditRow = {
  organization_id: string;
  sequence: string;
  id: string;
  occurred_at: Date;
  action: AuditAction;
  actor_kind: Actor['kind'];
  actor_id: string;
  target_kind: AuditEvent['target']['kind'];
  target_id: string;
  request_id: string | null;
  ip: string | null;
  details: Record<string, unknown>;
};

export type AuditRepository = ReturnType<typeof makeAuditRepository>;

export function makeAuditRepository(db: Knex) {
  return {
    /** Newest first. @throws AppError `validation_error` for a cursor that is no event of the organization */
    async list(organizationId: string, filter: AuditFilter, page: PageRequest): Promise<Page<RecordedEvent>> {
      const { cursor, field, older } = directionOf(page);
      const query = db<AuditRow>('audit_events').where({ organization_id: organizationId });
      if (cursor !== undefined) {
        const at = await query.clone().where({ id: cursor }).first('sequence');
        if (!at) throw unknownCursor(field);
        void query.where('sequence', older ? '<' : '>', at.sequence);
      }
      if (filter.action !== undefined) void query.where({ action: filter.action });
      if (filter.targetId !== undefined) void query.where({ target_id: filter.targetId });
      if (filter.actorId !== undefined) void query.where({ actor_id: filter.actorId });
      const rows = await query.orderBy('sequence', older ? 'desc' : 'asc').limit(page.limit + 1);
      return toPage(rows.map(toEvent), page, ({ id }) => id);
    },
  };
}

function toEvent(row: AuditRow): RecordedEvent {
  return {
    id: row.id,
    sequence: Number(row.sequence),
    organizationId: row.organization_id,
    occurredAt: row.occurred_at,
    action: row.action,
    actor: { kind: row.actor_kind, id: row.actor_id },
    target: { kind: row.target_kind, id: row.target_id },
    requestId: row.request_id ?? undefined,
    ip: row.ip ?? undefined,
    details: row.details,
  };
}
