import type { LinkHash } from './chain.ts';
import { callerId } from '../http/caller.ts';
import type { Caller, UserCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';

export const AUDIT_ACTIONS = [
  'api_key.created',
  'api_key.updated',
  'api_key.rotated',
  'api_key.revoked',
  'api_key.expiry_changed',
  'organization.created',
  'organization.updated',
  'organization.deleted',
  'organization.billing_changed',
  'organization.decommissioned',
  'organization.decommissioning_stopped',
  'organization.ip_allow_list_changed',
  'permission_set.changed',
  'scope.implications_changed',
  'session.created',
  'session.organization_changed',
  'session.ended',
  'session.refused',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];
export type Actor = { kind: Caller['kind'] | 'system' | 'workos'; id: string };

export type AuditEvent = {
  organizationId: string;
  action: AuditAction;
  actor: Actor;
  target: { kind: 'api_key' | 'organization' | 'session'; id: string };
  /** As whom the actor acted, if that is another person. */
  actingAs?: string | undefined;
  requestId: string | undefined;
  ip: string | undefined;
  /** What changed, in the API's own field names; never a secret. */
  details: Readonly<Record<string, unknown>>;
};

/** An event in its place of the chain. */
export type RecordedEvent = AuditEvent & { id: string; sequence: number; occurredAt: Date };
/** With the hash of its link, which covers every event of the organization up to this one. */
export type LinkedEvent = RecordedEvent & { link: LinkHash };

/** Nothing that is kept or told of an organization and its keys follows from its people's coming and going. */
export function isOfSession({ action }: Pick<AuditEvent, 'action'>): boolean {
  return action.startsWith('session.');
}

/** Who acted and from where. */
export type AuditSource = Pick<AuditEvent, 'actor' | 'actingAs' | 'requestId' | 'ip'>;

/** A caller of the API as the source of an event. */
export function auditSource(caller: Caller, context: RequestContext): AuditSource {
  const { requestId, ip } = context;
  if (caller.kind === 'user') return personSource(caller, { requestId, ip });
  return { actor: { kind: caller.kind, id: callerId(caller) }, requestId, ip };
}

/** A person who is signed in, as the source of an event; somebody who acts as that person is the one who acts. */
export function personSource(
  { userId, impersonator }: Pick<UserCaller, 'userId' | 'impersonator'>,
  { requestId, ip }: Pick<RequestContext, 'requestId' | 'ip'>,
): AuditSource {
  if (impersonator === undefined) return { actor: { kind: 'user', id: userId }, requestId, ip };
  return { actor: { kind: 'user', id: impersonator }, actingAs: userId, requestId, ip };
}

/** Work that nobody asked for at this moment: a loop of ours, or something that happened at WorkOS. */
export function backgroundSource(kind: 'system' | 'workos', id: string): AuditSource {
  return { actor: { kind, id }, requestId: undefined, ip: undefined };
}
