import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';

/** What the audit log keeps of a change to a key. */
export function keyEvent(
  organizationId: string,
  id: string,
  action: AuditEvent['action'],
  source: AuditSource,
  details: AuditEvent['details'],
): AuditEvent {
  return { ...source, organizationId, action, target: { kind: 'api_key', id }, details };
}
