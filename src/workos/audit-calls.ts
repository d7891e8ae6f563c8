import type { WorkOS } from '@workos-inc/node';
import { z } from 'zod';
import type { AuditLogAction, WorkosGateway } from './gateway.ts';
import { listPages } from './answers/list-pages.ts';
import type { Operation } from './resilience.ts';

type Call = <T>(operation: Operation, run: () => Promise<T>) => Promise<T>;

const Schema = z.object({
  version: z.int().min(1),
  targets: z.array(z.object({ type: z.string().max(256) })).max(100),
});
const Action = z
  .object({ name: z.string().min(1).max(256), schema: Schema })
  .transform(({ name, schema }): AuditLogAction => ({
    action: name,
    version: schema.version,
    targets: schema.targets.map(({ type }) => type),
  }));

/** Calls to WorkOS Audit Logs: events, and the schemas that it validates them by. `version` is the version of the schemas. */
export function auditCalls({ workos, call, version }: { workos: WorkOS; call: Call; version: number }) {
  return {
    createAuditEvent: ({ id, organizationId, occurredAt, target, location, ...entry }) =>
      call('create_audit_event', () => {
        const event = {
          ...entry,
          version,
          occurredAt: new Date(occurredAt),
          actor: { ...entry.actor },
          targets: [target],
          context: { location },
          metadata: { ...entry.metadata },
        };
        return workos.auditLogs.createEvent(organizationId, event, { idempotencyKey: id });
      }),

    listAuditActions: () =>
      listPages(Action, (query) => call('list_audit_actions', () => workos.get('/audit_logs/actions', { query }))),

    createAuditSchema: ({ action, targets, metadata }) =>
      call('create_audit_schema', async () => {
        const path = `/audit_logs/actions/${encodeURIComponent(action)}/schemas`;
        // Lists the metadata that every event of the action has; the rest differs between events.
        const properties = Object.fromEntries(Object.entries(metadata).map(([name, type]) => [name, { type }]));
        const schema = { type: 'object', properties, additionalProperties: true };
        const actor = { metadata: { type: 'object', properties: {} } };
        const body = { actor, targets: targets.map((type) => ({ type })), metadata: schema };
        return Schema.parse((await workos.post(path, body)).data).version;
      }),
  } satisfies Partial<WorkosGateway>;
}
