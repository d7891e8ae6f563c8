import type { Knex } from 'knex';
import { directionOf, toPage, unknownCursor } from '../http/pagination.ts';
import type { Page, PageRequest } from '../http/pagination.ts';
import type { AuditAction, RecordedEvent } from './audit-event.ts';
import { toEvent } from './audit-row.ts';
import type { AuditRow } from './audit-row.ts';

export type AuditFilter = {
  action?: AuditAction | undefined;
  targetId?: string | undefined;
  actorId?: string | undefined;
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
