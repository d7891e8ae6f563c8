import { personSource } from '../audit/audit-event.ts';
import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';
import type { UserCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import type { EndReason } from './session-repository.ts';

/** The kind of credential that a person used; never its value. */
export type Proven = 'password' | 'authorization_code' | 'pending_authentication_token' | 'refresh_token';
export type SessionOf = Pick<UserCaller, 'sessionId' | 'userId' | 'organizationId' | 'impersonator'>;
type From = Pick<RequestContext, 'requestId' | 'ip'>;

/** The actor of a failed sign-in; it is no id of WorkOS's. */
const UNKNOWN_ACTOR = 'unknown';

export function sessionCreated(session: SessionOf, credential: Proven, from: From): AuditEvent {
  return event(session, 'session.created', personSource(session, from), { credential });
}

/** Does not name the organization before: the new one need not know it. */
export function sessionMoved(session: SessionOf, from: From): AuditEvent {
  const details = { credential: 'refresh_token' satisfies Proven };
  return event(session, 'session.organization_changed', personSource(session, from), details);
}

/** @param refusal the error code, if a refused renewal ended the session */
export function sessionEnded(session: SessionOf, reason: EndReason, source: AuditSource, refusal?: string): AuditEvent {
  const { userId: user_id } = session;
  return event(session, 'session.ended', source, { user_id, reason, ...(refusal !== undefined && { refusal }) });
}

/** The person's credential was right, but the session that WorkOS opened was not handed out. */
export function sessionRefused(session: SessionOf, credential: Proven, reason: string, from: From): AuditEvent {
  return event(session, 'session.refused', personSource(session, from), { credential, reason });
}

/** `userId`: the account's user, if known. */
export type FailedSignIn = {
  organizationId: string;
  userId: string | undefined;
  credential: Proven;
  reason: string;
  from: From;
};

/** A sign-in failed that named the organization or one of its users. */
export function signInFailed({ organizationId, userId, credential, reason, from }: FailedSignIn): AuditEvent {
  return {
    organizationId,
    action: 'session.refused',
    ...personSource({ userId: UNKNOWN_ACTOR }, from),
    target: { kind: 'organization', id: organizationId },
    details: { credential, reason, ...(userId !== undefined && { user_id: userId }) },
  };
}

/** Stands for `attempts` further failures of the same kind; the address is that of the last. */
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
