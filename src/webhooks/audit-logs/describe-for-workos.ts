import type { AuditEvent, LinkedEvent } from '../../audit/audit-event.ts';
import type { AuditLogEntry } from '../../workos/gateway.ts';

/** WorkOS's limits for the metadata of an event. */
const MAX_ENTRIES = 50;
const MAX_TEXT = 500;

/** An audit event in the form of WorkOS Audit Logs. */
export function describeForWorkos(event: LinkedEvent): AuditLogEntry {
  return {
    id: event.id,
    organizationId: event.organizationId,
    action: event.action,
    occurredAt: event.occurredAt.toISOString(),
    actor: { type: event.actor.kind, id: event.actor.id },
    target: { type: event.target.kind, id: event.target.id },
    // WorkOS requires a location; the work of a loop has none.
    location: event.ip ?? 'latchkey',
    metadata: {
      ...flat(event.details),
      event_id: event.id,
      organization_id: event.organizationId,
      sequence: event.sequence,
      // The link, by which WorkOS's copy proves every event up to this one.
      link: event.link.hash.toString('base64'),
      ...(event.requestId !== undefined && { request_id: event.requestId }),
    },
  };
}

function flat(details: AuditEvent['details']): AuditLogEntry['metadata'] {
  const entries = Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined)
    .slice(0, MAX_ENTRIES - 5);
  return Object.fromEntries(entries.map(([name, value]) => [name, short(value)]));
}

function short(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, MAX_TEXT).toWellFormed();
}
