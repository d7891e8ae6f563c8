import { AUDIT_ACTIONS } from '../../audit/audit-event.ts';
import type { AuditAction } from '../../audit/audit-event.ts';
import type { AuditLogAction, AuditLogSchema, WorkosGateway } from '../../workos/gateway.ts';

/** What became of an action: registered now, there already, or there with other targets than its events have. */
export type Registered = { action: AuditAction; outcome: 'registered' | 'present' | 'other_targets'; version: number };

/** What the metadata of events has, whatever their action; `impersonated_user_id` where somebody acted as another. */
const METADATA = {
  event_id: 'string',
  organization_id: 'string',
  sequence: 'number',
  request_id: 'string',
  impersonated_user_id: 'string',
} as const;

/** The schema of an action, as WorkOS Audit Logs judge events by it. */
export function auditSchemaOf(action: AuditAction): AuditLogSchema {
  return { action, targets: targetsOf(action), metadata: METADATA };
}

function targetsOf(action: AuditAction): string[] {
  if (action.startsWith('api_key.')) return ['api_key'];
  // A sign-in that failed has no session, and is the organization's that was named.
  if (action === 'session.refused') return ['session', 'organization'];
  return [action.startsWith('session.') ? 'session' : 'organization'];
}

/**
 * Registers the schema of every action that has none, so that WorkOS takes the events. One that is there is left as it
 * is: it may be somebody's own.
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
