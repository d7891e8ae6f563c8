import { personSource } from '../audit/audit-event.ts';
import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';
import type { UserCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import type { EndReason } from './session-repository.ts';

/** What somebody proved themselves with; never what it said. */
export type Proven = 'password' | 'pending_authentication_token' | 'refresh_token';
export type SessionOf = Pick<UserCaller, 'sessionId' | 'userId' | 'organizationId' | 'impersonator'>;
type From = Pick<RequestContext, 'requestId' | 'ip'>;

/** No id of WorkOS's. */
const NOBODY_KNOWN = 'unknown';

export function sessionCreated(session: SessionOf, credential: Proven, from: From): AuditEvent {
  return event(session, 'session.created', personSource(session, from), { credential });
}

/** Whose it was before is nothing that this organization has to know. */
export function sessionMoved(session: SessionOf, from: From): AuditEvent {
  const details = { credential: 'refresh_token' satisfies Proven };
  return event(session, 'session.organization_changed', personSource(session, from), details);
}

/** @param refusal the code by which it was refused to go on, if that was it */
export function sessionEnded(session: SessionOf, reason: EndReason, source: AuditSource, refusal?: string): AuditEvent {
  const { userId: user_id } = session;
  return event(session, 'session.ended', source, { user_id, reason, ...(refusal !== undefined && { refusal }) });
}

/** Somebody proved who they are, and what WorkOS opened was not handed out. */
export function sessionRefused(session: SessionOf, credential: Proven, reason: string, from: From): AuditEvent {
  return event(session, 'session.refused', personSource(session, from), { credential, reason });
}

/** `userId` where it is known whose account it was. */
export type FailedSignIn = {
  organizationId: string;
  userId: string | undefined;
  credential: Proven;
  reason: string;
  from: From;
};

/** Somebody named the organization, or a person of it, and did not get in. */
export function signInFailed({ organizationId, userId, credential, reason, from }: FailedSignIn): AuditEvent {
  return {
    organizationId,
    action: 'session.refused',
    ...personSource({ userId: NOBODY_KNOWN }, from),
    target: { kind: 'organization', id: organizationId },
    details: { credential, reason, ...(userId !== undefined && { user_id: userId }) },
  };
}

/** So many more of the same; the address is that of the last. */
export function signInsFailed(failure: FailedSignIn, attempts: number): AuditEvent {
  const event = signInFailed(failure);
  return { ...event, requestId: undefined, details: { ...event.details, attempts } };
}

function event(
  { organizationId, sessionId }: SessionOf,
  action: AuditEvent['action'],
  source: AuditSource,
  details: AuditEvent['details'],
): AuditEvent {
  return { organizationId, action, ...source, target: { kind: 'session', id: sessionId }, details };
}
