import type { ListAuditEvents } from '../../client/client.ts';
import type { Query } from '../data/location.ts';
import { daysIn } from '../records/days.ts';

/** What events can be about, as the audit log names them. */
export const ACTIONS = [
  'api_key.created',
  'api_key.updated',
  'api_key.rotated',
  'api_key.revoked',
  'api_key.leaked',
  'api_key.suspended',
  'api_key.resumed',
  'api_key.expiry_changed',
  'organization.created',
  'organization.updated',
  'organization.deleted',
  'organization.billing_changed',
  'organization.decommissioned',
  'organization.decommissioning_stopped',
  'organization.ip_allow_list_changed',
  'ci_policy.created',
  'ci_policy.updated',
  'ci_policy.deleted',
  'ci.exchanged',
  'ci.refused',
  'ci.replayed',
  'ci.revoked',
  'webhook_delivery.replayed',
  'permission_set.changed',
  'scope.implications_changed',
  'session.created',
  'session.organization_changed',
  'session.ended',
  'session.refused',
] as const;

/** What the address asks the audit log for; dates are whole local days. */
export function readAuditQuery(query: Query): ListAuditEvents {
  return {
    action: query['action'] || undefined,
    actor_id: query['actor_id'] || undefined,
    target_id: query['target_id'] || undefined,
    ...daysIn(query),
  };
}

/** The address of the same events as a file. */
export function csvUrl(query: ListAuditEvents): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(set as [string, string][]).toString();
  return `/v1/audit-events/export${text === '' ? '' : `?${text}`}`;
}
