import { z } from 'zod';
import { listOf, pageQuery, viewPage } from '../http/pagination.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { ACTOR_ID, ID } from '../ids.ts';
import { AUDIT_ACTIONS } from './audit-event.ts';
import type { RecordedEvent } from './audit-event.ts';
import type { AuditRepository } from './audit-repository.ts';

const AuditEventView = z
  .object({
    id: z.string(),
    sequence: z.int().describe('The number of the event in its organization, without gaps.'),
    occurred_at: z.iso.datetime(),
    action: z.string(),
    actor: z.object({ kind: z.string(), id: z.string() }),
    target: z.object({ kind: z.string(), id: z.string() }),
    request_id: z.string().nullable(),
    ip: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEvent' });

const Query = z.strictObject({
  ...pageQuery,
  action: z.enum(AUDIT_ACTIONS).optional(),
  target_id: z.string().regex(ID, 'This is not an id.').optional(),
  actor_id: z.string().regex(ACTOR_ID, 'This is not an id.').optional(),
});

export function auditRoutes({ auditEvents }: { auditEvents: Pick<AuditRepository, 'list'> }): Route[] {
  return [
    tenantRoute({
      operationId: 'listAuditEvents',
      method: 'get',
      path: '/v1/audit-events',
      tag: 'Audit',
      summary: 'List the audit events of the organization, newest first',
      scope: ['audit:read'],
      billing: 'read',
      query: Query,
      responses: { 200: listOf(AuditEventView).meta({ id: 'AuditEventList' }) },
      errors: [],
      async handle({ caller, query }) {
        const { action, target_id: targetId, actor_id: actorId, ...page } = query;
        return viewPage(await auditEvents.list(caller.organizationId, { action, targetId, actorId }, page), viewEvent);
      },
    }),
  ];
}

function viewEvent(event: RecordedEvent) {
  return {
    id: event.id,
    sequence: event.sequence,
    occurred_at: event.occurredAt.toISOString(),
    action: event.action,
    actor: event.actor,
    target: event.target,
    request_id: event.requestId ?? null,
    ip: event.ip ?? null,
    details: { ...event.details },
  };
}
