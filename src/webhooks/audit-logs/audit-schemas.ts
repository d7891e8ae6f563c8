import { AUDIT_ACTIONS } from '../../audit/audit-event.ts';
import type { AuditAction } from '../../audit/audit-event.ts';
import type { AuditLogAction, AuditLogSchema, WorkosGateway } from '../../workos/gateway.ts';

/** The result for an action: registered now, present before, or present with targets that its events do not have. */
export type Registered = { action: AuditAction; outcome: 'registered' | 'present' | 'other_targets'; version: number };

/** The metadata of every event; `impersonated_user_id` only where the actor impersonated a user. */
const METADATA = {
  event_id: 'string',
  organization_id: 'string',
  sequence: 'number',
  request_id: 'string',
  impersonated_user_id: 'string',
} as const;

/** The schema by which WorkOS Audit Logs validate the events of an action. */
export function auditSchemaOf(action: AuditAction): AuditLogSchema {
  return { action, targets: targetsOf(action), metadata: METADATA };
}

function targetsOf(action: AuditAction): string[] {
  if (action.startsWith('api_key.')) return ['api_key'];
  if (action.startsWith('webhook_delivery.')) return ['webhook_delivery'];
  if (action.startsWith('ci.') || action.startsWith('ci_policy.')) return ['ci_policy'];
  // A sign-in that failed has no session; its target is the organization that it named.
  if (action === 'session.refused') return ['session', 'organization'];
  return [action.startsWith('session.') ? 'session' : 'organization'];
}

/**
 * Registers a schema for every action that has none, so that WorkOS accepts the events. An existing schema stays as it is:
 * it may be the operator's own.
 */
export function makeRegisterAuditSchemas(workos: Pick<WorkosGateway, 'listAuditActions' | 'createAuditSchema'>) {
  return async function* registerAuditSchemas(): AsyncGenerator<Registered> {
    const known = new Map<string, AuditLogAction>();
    for await (const one of workos.listAuditActions()) known.set(one.action, one);
    for (const action of AUDIT_ACTIONS) {
      const there = known.get(action);
      const schema = auditSchemaOf(action);
      if (!there) yield { action, outcome: 'registered', version: await workos.createAuditSchema(schema) };
      else {
        const fits = schema.targets.every((target) => there.targets.includes(target));
        yield { action, outcome: fits ? 'present' : 'other_targets', version: there.version };
      }
    }
  };
}
