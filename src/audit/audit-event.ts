import type { LinkHash } from './chain.ts';
import { callerId } from '../http/caller.ts';
import type { Caller, StaffCaller, UserCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';

/** Every action that the audit log records, and when. docs/reference/audit-actions.md is made of this. */
export const AUDIT_ACTION_MEANINGS = {
  'api_key.created': 'A key was created, here or at WorkOS; after a rotation `details.rotated_from` names the old key.',
  'api_key.updated':
    'Label, description, metadata, limits, allowed addresses or expiry of a key changed, or a reconciliation took scopes that WorkOS does not grant; `details.changed` names the fields.',
  'api_key.rotated': 'A key was replaced; `details.rotated_to` names its successor, `details.grace_seconds` its grace.',
  'api_key.revoked':
    'A key was revoked, here or at WorkOS; `details.reason` says why where no caller asked for it, such as `decommissioned`, `membership_ended` or `leaked`.',
  'api_key.leaked':
    'A scanner reported that a key is public; `details` has `origin`, `source`, `url` and what was done, `response`.',
  'api_key.suspended': 'A key was suspended; `details.reason` is what the caller gave, if anything.',
  'api_key.resumed': 'The suspension of a key ended; `details.suspended_at` says when it began.',
  'api_key.expiry_changed': 'WorkOS moved the expiry of a key; `details` has it `before` and `after`.',
  'key_import.applied':
    'Keys of another system were imported; `details` has the name of the import, and how many keys one batch brought.',
  'key_import.undone': 'Imported keys that were never used were removed; `details.keys` says how many.',
  'organization.created': 'WorkOS created the organization.',
  'organization.updated': 'WorkOS changed the name or the Stripe customer of the organization.',
  'organization.deleted': 'WorkOS deleted the organization.',
  'organization.billing_changed':
    'Status, plan, limit or dates of billing changed; `details` has them `before` and `after`.',
  'organization.decommissioned': 'All keys of the organization were revoked, because its `decommission_at` had come.',
  'organization.decommissioning_stopped': 'Billing took back a decommissioning that had begun.',
  'organization.ip_allow_list_changed':
    'The IP allow list was set; `details.forced` is true where the caller gave `force`.',
  'permission_set.changed': 'The product file changed a permission set of which the organization has active keys.',
  'scope.implications_changed':
    'The product file changed what a scope implies that active keys of the organization hold.',
  'webhook_delivery.replayed':
    'A caller had a webhook delivered again; `details` has its `type` and the name of its `endpoint`.',
  'session.created': 'A person signed in here.',
  'session.organization_changed': 'A person took a session from another organization to this one.',
  'session.ended':
    'A session ended: `details.reason` is `signed_out`, `inactive`, `refused` (its renewal) or `revoked` (at WorkOS).',
  'session.refused':
    'A sign-in failed; `details.reason` is the error code. Repeated failures are one event with `details.attempts`.',
  'ci_policy.created': 'A CI policy was created; `details` has it.',
  'ci_policy.updated': 'A CI policy was changed; `details` has its fields `before` and `after`.',
  'ci_policy.deleted': 'A CI policy was deleted.',
  'ci.exchanged':
    'A CI job exchanged its token for a key or a CI session; `details.key_id` or `details.session_id` names it, `details.claims` are those of the token.',
  'ci.refused':
    'A token was refused at a CI policy; `details.reason` says why. Repeated refusals are one event with `details.attempts`.',
  'ci.replayed': 'A CI token that was exchanged already was presented again, and refused.',
  'ci.revoked':
    'A CI job ended its key or CI session early by its `revoke_token`; `details.key_id` or `details.session_id` names it.',
} as const;
export type AuditAction = keyof typeof AUDIT_ACTION_MEANINGS;
export const AUDIT_ACTIONS = Object.keys(AUDIT_ACTION_MEANINGS) as [AuditAction, ...AuditAction[]];
export type Actor = { kind: Caller['kind'] | 'staff' | 'system' | 'workos'; id: string };

export type AuditEvent = {
  organizationId: string;
  action: AuditAction;
  actor: Actor;
  target: { kind: 'api_key' | 'organization' | 'webhook_delivery' | 'session' | 'ci_policy'; id: string };
  /** The user whom the actor impersonated. */
  actingAs?: string | undefined;
  /** The person of the product's staff, as their service states it. */
  staffId?: string | undefined;
  requestId: string | undefined;
  ip: string | undefined;
  /** What changed, in the API's own field names; never a secret. */
  details: Readonly<Record<string, unknown>>;
};

/** An event with its place in the chain. */
export type RecordedEvent = AuditEvent & { id: string; sequence: number; occurredAt: Date };
/** With the hash of its link, which covers every event of the organization up to this one. */
export type LinkedEvent = RecordedEvent & { link: LinkHash };

const OF_NO_KEY = ['key_import.', 'session.', 'webhook_delivery.', 'ci.', 'ci_policy.'];

/** Whether an event changes a key or an organization. Any other invalidates no cache and sends no webhook. */
export function changesKeys({ action }: Pick<AuditEvent, 'action'>): boolean {
  return !OF_NO_KEY.some((prefix) => action.startsWith(prefix));
}

/** The actor, and where the request came from. */
export type AuditSource = Pick<AuditEvent, 'actor' | 'actingAs' | 'staffId' | 'requestId' | 'ip'>;

/** A caller of the API as the source of an event. */
export function auditSource(caller: Caller | StaffCaller, context: RequestContext): AuditSource {
  const { requestId, ip } = context;
  if (caller.kind === 'user') return personSource(caller, { requestId, ip });
  const staffId = caller.kind === 'staff' ? caller.staffId : undefined;
  return { actor: { kind: caller.kind, id: callerId(caller) }, staffId, requestId, ip };
}

/** A signed-in user as the source of an event. An impersonator is the actor, and the user is whom they acted as. */
export function personSource(
  { userId, impersonator }: Pick<UserCaller, 'userId' | 'impersonator'>,
  { requestId, ip }: Pick<RequestContext, 'requestId' | 'ip'>,
): AuditSource {
  if (impersonator === undefined) return { actor: { kind: 'user', id: userId }, requestId, ip };
  return { actor: { kind: 'user', id: impersonator }, actingAs: userId, requestId, ip };
}

/** The source of an event without a request: a loop, or a change at WorkOS. */
export function backgroundSource(kind: 'system' | 'workos', id: string): AuditSource {
  return { actor: { kind, id }, requestId: undefined, ip: undefined };
}
