import { z } from 'zod';
import { commaSeparated } from '../http/comma-separated.ts';
import { listOf, pageQuery, viewPage } from '../http/pagination.ts';
import { CsvAnswer } from '../http/server/csv-stream.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { time } from '../http/time.ts';
import { invalidFields } from '../http/validate.ts';
import { ACTOR_ID, ID } from '../ids.ts';
import { AUDIT_ACTIONS } from './audit-event.ts';
import type { RecordedEvent } from './audit-event.ts';
import type { AuditFilter, AuditRepository } from './audit-repository.ts';
import { COLUMN_NAMES, MAX_EVENTS } from './csv/export-events.ts';
import type { makeExportEvents } from './csv/export-events.ts';

const NAME =
  'Name of the person, remembered for a day. One that is not remembered is null, and asked from WorkOS within seconds.';

const AuditEventView = z
  .object({
    id: z.string(),
    sequence: z.int().describe('The number of the event in its organization, without gaps.'),
    occurred_at: z.iso.datetime(),
    action: z.string(),
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string().nullable().describe(NAME) }),
    target: z.object({ kind: z.string(), id: z.string() }),
    request_id: z.string().nullable(),
    ip: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEvent' });

const GIVE_A_TIME = 'Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.';

const filters = {
  action: commaSeparated(z.enum(AUDIT_ACTIONS), {
    max: AUDIT_ACTIONS.length,
    error: 'Give actions of docs/reference/audit-actions.md, separated by commas.',
  })
    .optional()
    .describe('One or more actions, separated by commas.'),
  target_id: z.string().regex(ID, 'This is not an id.').optional(),
  actor_id: z.string().regex(ACTOR_ID, 'This is not an id.').optional(),
  from: time(GIVE_A_TIME).optional().describe('Events at this time or later.'),
  to: time(GIVE_A_TIME).optional().describe('Events before this time.'),
};
const EXPORT = `The columns are ${COLUMN_NAMES.map((name) => `\`${name}\``).join(', ')}; \`details\` is JSON. A cell that a spreadsheet would take for a formula has an apostrophe before it. One file looks through at most ${MAX_EVENTS.toLocaleString('en')} events, those that the other filters leave out included: narrow it by \`from\` and \`to\`. A file that breaks off ends with a closed connection.`;

const Filters = z.strictObject(filters);
const Query = z.strictObject({ ...pageQuery, ...filters });

type Deps = {
  auditEvents: Pick<AuditRepository, 'list'>;
  exportEvents: ReturnType<typeof makeExportEvents>;
  nameOf: (actor: RecordedEvent['actor']) => string | null;
};

const access = { tag: 'Audit', method: 'get', scope: ['audit:read'], billing: 'read', errors: [] } as const;

export function auditRoutes({ auditEvents, exportEvents, nameOf }: Deps): Route[] {
  return [
    tenantRoute({
      ...access,
      operationId: 'listAuditEvents',
      path: '/v1/audit-events',
      summary: 'List the audit events of the organization, newest first',
      query: Query,
      responses: { 200: listOf(AuditEventView).meta({ id: 'AuditEventList' }) },
      async handle({ caller, query }) {
        const { limit, after, before, ...sent } = query;
        const page = { limit, after, before };
        const events = await auditEvents.list(caller.organizationId, readFilter(sent), page);
        return viewPage(events, (event) => viewEvent(event, nameOf(event.actor)));
      },
    }),
    tenantRoute({
      ...access,
      operationId: 'exportAuditEvents',
      path: '/v1/audit-events/export',
      errors: ['concurrency_limited'],
      summary: 'Export audit events as CSV, newest first',
      description: EXPORT,
      query: Filters,
      responses: { 200: CsvAnswer },
      async handle({ caller, query, context }) {
        const lines = await exportEvents(caller.organizationId, readFilter(query));
        context.setHeader('content-disposition', 'attachment; filename="audit-events.csv"');
        return lines;
      },
    }),
  ];
}

/** @throws AppError `validation_error` for a range that ends before it begins */
function readFilter({
  action,
  target_id: targetId,
  actor_id: actorId,
  ...range
}: z.output<typeof Filters>): AuditFilter {
  const from = range.from === undefined ? undefined : new Date(range.from);
  const to = range.to === undefined ? undefined : new Date(range.to);
  if (from && to && from >= to) throw invalidFields({ from: 'This must be before `to`.' });
  return { actions: action, targetId, actorId, from, to };
}

function viewEvent(event: RecordedEvent, actorName: string | null) {
  return {
    id: event.id,
    sequence: event.sequence,
    occurred_at: event.occurredAt.toISOString(),
    action: event.action,
    actor: { ...event.actor, name: actorName },
    target: event.target,
    request_id: event.requestId ?? null,
    ip: event.ip ?? null,
    details: { ...event.details },
  };
}
