import { z } from 'zod';
import { auditSource } from '../audit/audit-event.ts';
import { AppError } from '../errors.ts';
import type { UserCaller } from '../http/caller.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { EndSession } from './end-session.ts';
import { sessionEnded } from './session-events.ts';

/** Sign-out of any session, wherever it was opened. */
export function signOutRoute({ endSession }: { endSession: EndSession }): Route {
  return tenantRoute({
    operationId: 'logout',
    method: 'post',
    path: '/v1/auth/logout',
    tag: 'Session',
    summary: 'Sign out',
    description: 'Ends the session: here before this answer, and at WorkOS as soon as it can be reached.',
    scope: [],
    callers: ['user'],
    billing: 'wind_down',
    impersonated: 'always',
    responses: { 200: z.object({ status: z.literal('signed_out') }) },
    errors: [],
    async handle({ caller, context }) {
      const session = caller as UserCaller;
      if (session.applicationId !== undefined)
        throw new AppError(
          'permission_denied',
          'This token belongs to an application that acts for you. Only a session can be signed out.',
        );
      await endSession(session, 'signed_out', sessionEnded(session, 'signed_out', auditSource(caller, context)));
      return { status: 'signed_out' as const };
    },
  });
}
