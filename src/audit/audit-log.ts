import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { callerId } from '../http/caller.ts';
import type { Caller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { ulid } from '../ids.ts';

export const AUDIT_ACTIONS = [
  'api_key.created',
  'api_key.updated',
  'api_key.revoked',
  'organization.billing_changed',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];
export type Actor = { kind: Caller['kind'] | 'system' | 'workos'; id: string };

export type AuditEvent = {
  organizationId: string;
  action: AuditAction;
  actor: Actor;
  target: { kind: 'api_key' | 'organization'; id: string };
  requestId: string | undefined;
  ip: string | undefined;
  /** What changed, in the API's own field names; never a secret. */
  details: Readonly<Record<string, unknown>>;
};

export type AuditLog = ReturnType<typeof makeAuditLog>;

/** The record of every state change, numbered without gaps in each organization. */
export function makeAuditLog({ clock }: { clock: Clock }) {
  return {
    /** Adds an event inside the transaction of the change that it records. */
    async append(trx: Knex.Transaction, event: AuditEvent): Promise<void> {
      const now = clock();
      const sequence = await nextSequence(trx, event.organizationId);
      await trx('audit_events').insert({
        organization_id: event.organizationId,
        sequence,
        id: `audit_${ulid(now)}`,
        occurred_at: now,
        action: event.action,
        actor_kind: event.actor.kind,
        actor_id: event.actor.id,
        target_kind: event.target.kind,
        target_id: event.target.id,
        request_id: event.requestId ?? null,
        ip: event.ip ?? null,
        details: JSON.stringify(event.details),
      });
    },
  };
}

/** Who acted and from where, as an audit event wants it. */
export function auditSource(caller: Caller, context: RequestContext): Pick<AuditEvent, 'actor' | 'requestId' | 'ip'> {
  return { actor: { kind: caller.kind, id: callerId(caller) }, requestId: context.requestId, ip: context.ip };
}

async function nextSequence(trx: Knex.Transaction, organizationId: string): Promise<string> {
  const { rows } = await trx.raw<{ rows: { sequence: string }[] }>(
    `insert into audit_heads as head (organization_id, sequence) values (?, 1)
     on conflict (organization_id) do update set sequence = head.sequence + 1
     returning sequence`,
    [organizationId],
  );
  return rows[0]!.sequence;
}
