import type { Clock } from '../clock.ts';
import { HttpError } from '../http/http-error.ts';
import type { Reply } from '../http/route.ts';
import { activeOrganizations, findActiveMembership, permissionsOfRole } from '../people/membership-store.ts';
import type { UserRow } from '../people/user-store.ts';
import { getUser, toUser } from '../people/user-store.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { Store } from '../state/store.ts';
import type { SigningKey } from '../tokens/signing-keys.ts';
import type { Ids } from '../ulid.ts';
import type { OneTimeCodes } from './one-time-codes.ts';
import type { AuthMethod, SessionRow, SessionStore } from './session-store.ts';

const ACCESS_TOKEN_SECONDS = 300;
const PENDING_TOKEN_LENGTH = 32;
const METHOD_NAMES: Record<AuthMethod, string> = { password: 'Password', magic_code: 'MagicAuth' };

export type SignInDeps = {
  store: Store;
  ids: Ids;
  clock: Clock;
  sessions: SessionStore;
  codes: OneTimeCodes;
  sessionKey: SigningKey;
  clientId: string;
  /** Of the server as it listens, known once it does. */
  url: () => string;
};

/** Who has proven to be whom, and from where. */
export type Proof = {
  user: UserRow;
  authMethod: AuthMethod;
  organizationId?: string | undefined;
  ipAddress?: string | undefined;
  userAgent?: string | undefined;
};

/** Opens a session in the asked organization, in the only one there is, or in none; several are a question back. */
export async function signIn(deps: SignInDeps, proof: Proof): Promise<Reply> {
  const { user, authMethod } = proof;
  const organizationId = proof.organizationId ?? chooseOrganization(deps, proof);
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
  const body = {
    user: toUser(getUser(deps.store, session.user_id)),
    ...(session.organization_id !== null && { organization_id: session.organization_id }),
    access_token: await deps.sessionKey.sign(claimsOf(deps, session)),
    refresh_token: refreshToken,
    authentication_method: METHOD_NAMES[session.auth_method],
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

function claimsOf({ store, ids, clock, clientId, url }: SignInDeps, session: SessionRow): object {
  const issuedAt = Math.floor(clock().getTime() / 1000);
  return {
    iss: `${url()}/user_management/${clientId}`,
    sub: session.user_id,
    sid: session.id,
    client_id: clientId,
    ...organizationClaims(store, session),
    jti: ids.ulid(),
    iat: issuedAt,
    exp: issuedAt + ACCESS_TOKEN_SECONDS,
  };
}

/** Read anew for each token, so that a changed role shows at the next refresh. */
function organizationClaims(store: Store, { user_id: userId, organization_id: organizationId }: SessionRow): object {
  const membership = organizationId === null ? undefined : findActiveMembership(store, userId, organizationId);
  if (!membership) return {};
  return {
    org_id: organizationId,
    role: membership.role,
    roles: [membership.role],
    permissions: permissionsOfRole(store, membership.role),
  };
}
