import { createHash } from 'node:crypto';
import { z } from 'zod';
import { passwordMatches } from '../hashing.ts';
import { pollDevice } from '../device/device-store.ts';
import { coded, HttpError, oauthError } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply } from '../http/route.ts';
import { findActiveMembership } from '../people/membership-store.ts';
import { confirmEmail } from '../people/email-verification.ts';
import type { UserRow } from '../people/user-store.ts';
import { findUserByEmail, getUser } from '../people/user-store.ts';
import type { RedeemedCode } from './one-time-codes.ts';
import type { Proof, SignInDeps } from './sign-in.ts';
import { signIn, signedIn } from './sign-in.ts';

/** `hasSecret`: the client sent the environment's secret. Some grants need it. */
export type Grant = (deps: SignInDeps, body: unknown, hasSecret: boolean) => Promise<Reply>;

const Text = z.string().min(1).max(4_096);
const Client = z.object({ ip_address: z.string().max(64).optional(), user_agent: z.string().max(1_024).optional() });
const Invited = { invitation_token: Text.optional() };
const PasswordGrant = Client.extend({ email: Text, password: Text, ...Invited });
const CodeGrant = Client.extend({ code: Text, code_verifier: Text.optional(), ...Invited });
const RefreshGrant = Client.extend({ refresh_token: Text, organization_id: Text.optional() });
const MagicGrant = Client.extend({ code: Text, email: Text, ...Invited });
const VerificationGrant = Client.extend({ code: Text, pending_authentication_token: Text });
const DeviceGrant = Client.extend({ device_code: Text });
const SelectionGrant = Client.extend({ pending_authentication_token: Text, organization_id: Text });

const origin = (
  client: z.output<typeof Client> & { invitation_token?: string | undefined },
): Pick<Proof, 'ipAddress' | 'userAgent' | 'invitationToken'> => ({
  ipAddress: client.ip_address,
  userAgent: client.user_agent,
  invitationToken: client.invitation_token,
});

const passwordGrant: Grant = async (deps, body) => {
  const input = parse(PasswordGrant, body);
  const user = findUserByEmail(deps.store, input.email);
  const matches = user?.password_hash && (await passwordMatches(input.password, user.password_hash));
  if (!matches) throw coded(400, 'invalid_credentials', 'Invalid credentials.');
  return signIn(deps, { user, authMethod: 'password', ...origin(input) });
};

const codeGrant: Grant = async (deps, body, hasSecret) => {
  const input = parse(CodeGrant, body);
  const code = deps.codes.redeem('authorization', input.code);
  if (!code) throw oauthError(400, 'invalid_grant', `The code '${input.code}' has expired or is invalid.`);
  assertVerifier(code.details.codeChallenge, input.code_verifier, hasSecret);
  const { organizationId, authMethod = 'password' } = code.details;
  return signIn(deps, { user: getUser(deps.store, code.userId), authMethod, organizationId, ...origin(input) });
};

/** Checks the verifier of RFC 7636, which is the only proof of a client without a secret. */
function assertVerifier(challenge: string | undefined, verifier: string | undefined, hasSecret: boolean): void {
  if (challenge === undefined && verifier === undefined && hasSecret) return;
  if (challenge === undefined)
    throw oauthError(400, 'invalid_grant', 'The code was not requested with a code challenge.');
  const actual = createHash('sha256')
    .update(verifier ?? '')
    .digest('base64url');
  if (actual !== challenge)
    throw oauthError(400, 'invalid_grant', 'The code verifier does not match the code challenge.');
}

const refreshGrant: Grant = (deps, body) => {
  const input = parse(RefreshGrant, body);
  const renewed = deps.store.transaction(() => {
    const session = deps.sessions.redeemRefreshToken(input.refresh_token);
    if (!session)
      throw oauthError(
        400,
        'invalid_grant',
        'The refresh token is invalid, was used already, or its session has ended.',
      );
    const target = input.organization_id ?? session.organization_id;
    if (target !== null) assertMember(deps, session.user_id, target);
    const current =
      target === null || target === session.organization_id
        ? session
        : deps.sessions.switchOrganization(session, target);
    return { current, refreshToken: deps.sessions.issueRefreshToken(current) };
  });
  return signedIn(deps, renewed.current, renewed.refreshToken);
};

/** Throws inside the transaction, so that a refused switch of organizations does not consume the refresh token. */
function assertMember({ store }: SignInDeps, userId: string, organizationId: string): void {
  if (findActiveMembership(store, userId, organizationId)) return;
  throw oauthError(400, 'organization_membership_not_found', 'The user is not an active member of the organization.');
}

const magicGrant: Grant = async (deps, body) => {
  const input = parse(MagicGrant, body);
  const user = findUserByEmail(deps.store, input.email);
  const code = user && deps.codes.redeem('magic', `${user.id}:${input.code}`);
  if (!code) throw coded(400, 'invalid_one_time_code', 'Invalid one-time code.');
  return signIn(deps, { user, authMethod: 'magic_code', ...origin(input) });
};

const selectionGrant: Grant = async (deps, body) => {
  const input = parse(SelectionGrant, body);
  const pending = peekPending(deps, input.pending_authentication_token);
  assertMember(deps, pending.userId, input.organization_id);
  deps.codes.redeem('pending', input.pending_authentication_token);
  const { authMethod = 'password' } = pending.details;
  return signIn(deps, {
    user: getUser(deps.store, pending.userId),
    authMethod,
    organizationId: input.organization_id,
    ...origin(input),
  });
};

function peekPending({ codes }: SignInDeps, token: string): RedeemedCode {
  const pending = codes.peek('pending', token);
  if (pending) return pending;
  const message = 'The pending authentication token is invalid or has expired.';
  throw coded(400, 'invalid_pending_authentication_token', message);
}

const verificationGrant: Grant = async (deps, body) => {
  const input = parse(VerificationGrant, body);
  const pending = peekPending(deps, input.pending_authentication_token);
  const user = verified(deps, getUser(deps.store, pending.userId), input.code);
  deps.codes.redeem('pending', input.pending_authentication_token);
  const { authMethod = 'password', organizationId } = pending.details;
  return signIn(deps, { user, authMethod, organizationId, ...origin(input) });
};

/** Renames the error of a wrong code, which differs from that of the route that verifies an address. */
function verified(deps: SignInDeps, user: UserRow, code: string): UserRow {
  try {
    return confirmEmail(deps, user, code);
  } catch (error) {
    if (error instanceof HttpError) throw coded(400, 'invalid_one_time_code', 'Invalid one-time code.');
    throw error;
  }
}

const deviceGrant: Grant = async (deps, body) => {
  const input = parse(DeviceGrant, body);
  const { userId, organizationId } = pollDevice(deps, input.device_code);
  return signIn(deps, { user: getUser(deps.store, userId), authMethod: 'password', organizationId, ...origin(input) });
};

const WORKOS = 'urn:workos:oauth:grant-type';

export const GRANTS: ReadonlyMap<string, { grant: Grant; needsSecret: boolean }> = new Map([
  ['password', { grant: passwordGrant, needsSecret: true }],
  ['authorization_code', { grant: codeGrant, needsSecret: false }],
  ['refresh_token', { grant: refreshGrant, needsSecret: false }],
  [`${WORKOS}:magic-auth:code`, { grant: magicGrant, needsSecret: true }],
  [`${WORKOS}:email-verification:code`, { grant: verificationGrant, needsSecret: true }],
  ['urn:ietf:params:oauth:grant-type:device_code', { grant: deviceGrant, needsSecret: false }],
  [`${WORKOS}:organization-selection`, { grant: selectionGrant, needsSecret: true }],
]);
