import type { LinkHash } from './chain.ts';
import type { Actor, AuditAction, AuditEvent, RecordedEvent } from './audit-event.ts';

export type AuditRow = {
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
  hash: Buffer;
  link_version: number;
  link_key: string;
};

export function toEvent(row: AuditRow): RecordedEvent {
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

export function toLinkHash({ hash, link_version: version, link_key: keyId }: AuditRow): LinkHash {
  return { hash, version, keyId };
}

/** The form that the function `append_audit_events` takes. */
export function toRow(event: RecordedEvent, { hash, keyId }: LinkHash) {
  return {
    organization_id: event.organizationId,
    sequence: event.sequence,
    id: event.id,
    occurred_at: event.occurredAt,
    action: event.action,
    actor_kind: event.actor.kind,
    actor_id: event.actor.id,
    target_kind: event.target.kind,
    target_id: event.target.id,
    request_id: event.requestId ?? null,
    ip: event.ip ?? null,
    details: event.details,
    hash: hash.toString('base64'),
    link_key: keyId,
  };
}
