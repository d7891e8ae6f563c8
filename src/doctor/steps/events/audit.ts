import { AUDIT_ACTIONS } from '../../../audit/audit-event.ts';
import type { Answer } from '../../client.ts';
import { organizationId } from '../../keys.ts';
import { describe } from '../../read.ts';
import type { World } from '../../world.ts';

/** Sends an audit event of every action, as the forwarder does. Registers no schema: schemas cannot be deleted. */
export async function audit(world: World): Promise<void> {
  const refused: string[] = [];
  let seen = '';
  for (const action of AUDIT_ACTIONS) {
    const answer = await send(world, action);
    if (answer.status === 200 || answer.status === 201) continue;
    refused.push(action);
    seen = describe(answer);
  }
  world.note(`${AUDIT_ACTIONS.length - refused.length} of ${AUDIT_ACTIONS.length} actions are accepted.`);
  if (refused.length === 0) return;
  world.differs({
    name: 'audit-schemas',
    breaks: true,
    assumes: 'that WorkOS Audit Logs accept an event of each action, where audit events are forwarded',
    seen: `${seen} for ${refused.join(', ')}`,
    todo: 'Register the schemas of these actions with npm run audit:schemas, then run the doctor again; or do not forward audit events.',
  });
}

function send(world: World, action: string): Promise<Answer> {
  const event = {
    action,
    occurred_at: new Date().toISOString(),
    actor: { type: 'system', id: 'latchkey-doctor' },
    targets: [{ type: action.split('.')[0], id: organizationId(world) }],
    context: { location: '127.0.0.1' },
    metadata: {},
    version: 1,
  };
  const headers = { 'idempotency-key': `latchkey-doctor-${world.mark}-${action}` };
  return world.call('POST', '/audit_logs/events', { body: { organization_id: organizationId(world), event }, headers });
}
