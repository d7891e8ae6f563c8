import { coded, HttpError, oauthError } from '../http/http-error.ts';
import type { Reply } from '../http/route.ts';
import { activeOrganizations, findActiveMembership } from '../people/membership-store.ts';
import { startVerification } from '../people/email-verification.ts';
import type { InvitationDeps } from '../people/invitation-store.ts';
import { acceptInvitation, findInvitationByToken, stateOf } from '../people/invitation-store.ts';
import type { UserRow } from '../people/user-store.ts';
import { sessionIssuer } from '../profile/issuer.ts';
import { signInRefusal } from '../profile/sign-in-refusals.ts';
import type { Switches } from '../profile/switches.ts';
import { getUser, toUser } from '../people/user-store.ts';
import { permissionsOfRole } from '../permissions/role-store.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { Store } from '../state/store.ts';
import type { SigningKey } from '../tokens/signing-keys.ts';
import { findImpersonator } from './impersonators.ts';
import type { OneTimeCodes } from './one-time-codes.ts';
import type { AuthMethod, SessionRow } from './session-store.ts';

const ACCESS_TOKEN_SECONDS = 300;
const PENDING_TOKEN_LENGTH = 32;
const METHOD_NAMES: Record<AuthMethod, string> = { password: 'Password', magic_code: 'MagicAuth' };

export type SignInDeps = InvitationDeps & {
  codes: OneTimeCodes;
  sessionKey: SigningKey;
  clientId: string;
  switches: Switches;
};

/** A person who has proven who they are, with the method and the origin of the request. */
export type Proof = {
  user: UserRow;
  authMethod: AuthMethod;
  organizationId?: string | undefined;
  invitationToken?: string | undefined;
  ipAddress?: string | undefined;
  userAgent?: string | undefined;
};

/** Opens a session in the requested organization, the only one, or none. Throws the choice when there are several. */
export async function signIn(deps: SignInDeps, proof: Proof): Promise<Reply> {
  const { user, authMethod } = proof;
  const { sign_in_refusal: refusal } = deps.switches;
  if (refusal !== null) return signInRefusal(refusal, user.email);
  if (user.email_verified !== 1) throw verificationRequired(deps, proof);
  const organizationId = acceptedOrganization(deps, proof) ?? proof.organizationId ?? chooseOrganization(deps, proof);
  const { session, refreshToken } = deps.store.transaction(() => {
    const session = deps.sessions.open({
      userId: user.id,
      organizationId,
      authMethod,
      ipAddress: proof.ipAddress ?? null,
      userAgent: proof.userAgent ?? null,
    });
    return { session, refreshToken: deps.sessions.issueRefreshToken(session) };
  });
  return signedIn(deps, session, refreshToken);
}

export async function signedIn(deps: SignInDeps, session: SessionRow, refreshToken: string): Promise<Reply> {
  const impersonator = findImpersonator(deps.store, session.id);
  const body = {
    user: toUser(getUser(deps.store, session.user_id)),
    ...(session.organization_id !== null && { organization_id: session.organization_id }),
    access_token: await deps.sessionKey.sign(claimsOf(deps, session)),
    refresh_token: refreshToken,
    authentication_method: impersonator ? 'Impersonation' : METHOD_NAMES[session.auth_method],
    ...(impersonator && { impersonator }),
  };
  return { status: 200, body, headers: { 'cache-control': 'no-store' } };
}

function chooseOrganization({ store, codes }: SignInDeps, { user, authMethod }: Proof): string | null {
  const organizations = activeOrganizations(store, user.id);
  if (organizations.length <= 1) return organizations[0]?.id ?? null;
  const token = randomAlphanumerics(PENDING_TOKEN_LENGTH);
  codes.issue('pending', token, user.id, { authMethod });
  const body = {
    code: 'organization_selection_required',
    message: 'The user must choose an organization to finish their authentication.',
    pending_authentication_token: token,
    organizations,
    user: toUser(user),
  };
  throw new HttpError(403, body);
}

/** Returns the 403 for a person with an unverified address, who signs in with the code that was sent there. */
function verificationRequired(deps: SignInDeps, { user, authMethod, organizationId }: Proof): HttpError {
  const token = randomAlphanumerics(PENDING_TOKEN_LENGTH);
  deps.codes.issue('pending', token, user.id, { authMethod, ...(organizationId !== undefined && { organizationId }) });
  return coded(403, 'email_verification_required', 'Email ownership must be verified before authentication.', {
    email: user.email,
    email_verification_id: startVerification(deps, user).id,
    pending_authentication_token: token,
  });
}

function acceptedOrganization(deps: SignInDeps, { user, invitationToken }: Proof): string | undefined {
  if (invitationToken === undefined) return undefined;
  const row = findInvitationByToken(deps, invitationToken);
  if (row?.accepted_user_id === user.id) return row.organization_id ?? undefined;
  if (!row || stateOf(row, deps.clock) !== 'pending')
    throw oauthError(400, 'invitation_invalid', 'The invitation is unknown or over.');
  if (row.email.toLowerCase() !== user.email.toLowerCase())
    throw oauthError(400, 'invitation_cannot_be_used_for_email', 'The invitation is for another email address.');
  return acceptInvitation(deps, row, user).organization_id ?? undefined;
}

function claimsOf({ store, ids, clock, clientId, switches, url }: SignInDeps, session: SessionRow): object {
  const issuedAt = Math.floor(clock().getTime() / 1000);
  const impersonator = findImpersonator(store, session.id);
  return {
    iss: sessionIssuer(switches, { url: url(), clientId }),
    sub: session.user_id,
    sid: session.id,
    client_id: clientId,
    ...organizationClaims(store, session),
    ...(impersonator && { act: { sub: impersonator.email } }),
    jti: ids.ulid(),
    iat: issuedAt,
    exp: issuedAt + ACCESS_TOKEN_SECONDS,
  };
}

/** Reads the role for each token, so that a changed role applies from the next refresh. */
function organizationClaims(store: Store, { user_id: userId, organization_id: organizationId }: SessionRow): object {
  const membership = organizationId === null ? undefined : findActiveMembership(store, userId, organizationId);
  if (!membership) return {};
  return {
    org_id: organizationId,
    role: membership.role,
    roles: [membership.role],
    permissions: permissionsOfRole(store, membership.organization_id, membership.role),
  };
}
