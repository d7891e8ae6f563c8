import { z } from 'zod';
import { notFound } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import { findActiveMembership } from '../people/membership-store.ts';
import type { SignInDeps } from './sign-in.ts';
import { signedIn } from './sign-in.ts';

const Body = z.strictObject({
  user_id: z.string().min(1).max(128),
  organization_id: z.string().min(1).max(128),
  impersonator: z.strictObject({ email: z.email().max(254), reason: z.string().max(500).nullish() }),
});

/** Opens an impersonated session, as WorkOS's dashboard does for members of the product's team. */
export function impersonationRoute(deps: SignInDeps): Route {
  return {
    method: 'post',
    path: '/_emulator/impersonations',
    access: 'environment',
    replay: false,
    handle: ({ body }) => impersonate(deps, parse(Body, body)),
  };
}

async function impersonate(deps: SignInDeps, wanted: z.output<typeof Body>): Promise<Reply> {
  const { user_id: userId, organization_id: organizationId, impersonator } = wanted;
  if (!findActiveMembership(deps.store, userId, organizationId)) throw notFound('Membership', userId);
  const { session, refreshToken } = deps.store.transaction(() => {
    const opened = { userId, organizationId, authMethod: 'password' as const, ipAddress: null, userAgent: null };
    const session = deps.sessions.open(opened);
    const { email, reason = null } = impersonator;
    deps.store.run(
      'insert into impersonations (session_id, email, reason) values (?, ?, ?)',
      session.id,
      email,
      reason,
    );
    return { session, refreshToken: deps.sessions.issueRefreshToken(session) };
  });
  return signedIn(deps, session, refreshToken);
}
