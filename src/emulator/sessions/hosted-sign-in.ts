import { z } from 'zod';
import { passwordMatches } from '../hashing.ts';
import { HttpError } from '../http/http-error.ts';
import type { Reply } from '../http/route.ts';
import { confirmEmail, startVerification } from '../people/email-verification.ts';
import { acceptInvitation, findInvitationByToken } from '../people/invitation-store.ts';
import type { InvitationDeps } from '../people/invitation-store.ts';
import { activeOrganizations, findActiveMembership } from '../people/membership-store.ts';
import { hashNewPassword } from '../people/user-fields.ts';
import type { UserRow } from '../people/user-store.ts';
import { findUserByEmail, getUser, insertUser } from '../people/user-store.ts';
import { randomAlphanumerics } from '../random-text.ts';
import type { HostedForm } from './hosted-forms.ts';
import { credentialsPage, organizationPage, verificationPage } from './hosted-forms.ts';
import type { OneTimeCodes } from './one-time-codes.ts';

const TOKEN_LENGTH = 32;

export type HostedDeps = InvitationDeps & { codes: OneTimeCodes };
/** The next page, or the person who signed in and their organization. */
export type Outcome = { page: Reply } | { userId: string; organizationId: string | undefined };

const Text = z.string().max(4_096);
const Credentials = z.object({ email: Text, password: Text, intent: z.literal('sign-up').optional() });
const Pending = z.object({ pending_authentication_token: Text });
const Choice = Pending.extend({ chosen_organization_id: Text });
const Verification = Pending.extend({ verification_code: Text });

/** Handles one form of AuthKit's hosted pages and returns the next step. */
export async function advance(deps: HostedDeps, form: HostedForm, body: unknown): Promise<Outcome> {
  const choice = Choice.safeParse(body);
  if (choice.success) return choose(deps, form, choice.data);
  const verification = Verification.safeParse(body);
  if (verification.success) return verify(deps, form, verification.data);
  const credentials = Credentials.safeParse(body);
  if (!credentials.success) return { page: credentialsPage(form) };
  return credentials.data.intent === 'sign-up'
    ? signUp(deps, form, credentials.data)
    : checkPassword(deps, form, credentials.data);
}

const refuse = (form: HostedForm, email: string, reason: string): Outcome => ({
  page: credentialsPage(form, { email, reason }),
});

async function checkPassword(
  deps: HostedDeps,
  form: HostedForm,
  { email, password }: z.output<typeof Credentials>,
): Promise<Outcome> {
  const user = findUserByEmail(deps.store, email);
  const matches = user?.password_hash && (await passwordMatches(password, user.password_hash));
  return matches ? proceed(deps, form, user) : refuse(form, email, 'Wrong email address or password.');
}

function signUp(deps: HostedDeps, form: HostedForm, { email, password }: z.output<typeof Credentials>): Outcome {
  if (!z.email().safeParse(email).success) return refuse(form, email, 'This is not an email address.');
  if (findUserByEmail(deps.store, email)) return refuse(form, email, 'There is an account with this address already.');
  try {
    const user = insertUser(deps, { email, password_hash: hashNewPassword(password), email_verified: 0 });
    return proceed(deps, form, user);
  } catch (error) {
    if (error instanceof HttpError) return refuse(form, email, 'The password needs 10 characters or more.');
    throw error;
  }
}

function verify(deps: HostedDeps, form: HostedForm, input: z.output<typeof Verification>): Outcome {
  const pending = deps.codes.peek('pending', input.pending_authentication_token);
  if (!pending) return refuse(form, '', 'That took too long. Sign in again.');
  try {
    const user = confirmEmail(deps, getUser(deps.store, pending.userId), input.verification_code);
    deps.codes.redeem('pending', input.pending_authentication_token);
    return proceed(deps, form, user);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const failure = { email: '', reason: 'This code is wrong or too old.' };
    return { page: verificationPage(form, input.pending_authentication_token, { code: '', failure }) };
  }
}

function choose(deps: HostedDeps, form: HostedForm, choice: z.output<typeof Choice>): Outcome {
  const pending = deps.codes.redeem('pending', choice.pending_authentication_token);
  if (!pending) return refuse(form, '', 'That took too long. Sign in again.');
  return proceed(deps, { ...form, organizationId: choice.chosen_organization_id }, getUser(deps.store, pending.userId));
}

/** Does the steps after the person is known: verify the address, accept the invitation, choose the organization. */
function proceed(deps: HostedDeps, form: HostedForm, user: UserRow): Outcome {
  if (user.email_verified !== 1) {
    const { code } = startVerification(deps, user);
    return { page: verificationPage(form, issuePending(deps, user), { code }) };
  }
  const invited = form.invitationToken === undefined ? NOT_INVITED : accept(deps, form.invitationToken, user);
  if (!invited) return refuse(form, user.email, 'This invitation is over or for another email address.');
  const wanted = invited.organizationId ?? form.organizationId;
  if (wanted !== undefined) {
    if (!findActiveMembership(deps.store, user.id, wanted))
      return refuse(form, user.email, 'You are not a member of this organization.');
    return { userId: user.id, organizationId: wanted };
  }
  const organizations = activeOrganizations(deps.store, user.id);
  if (organizations.length <= 1) return { userId: user.id, organizationId: organizations[0]?.id };
  return { page: organizationPage(form, issuePending(deps, user), organizations) };
}

function issuePending({ codes }: HostedDeps, user: UserRow): string {
  const token = randomAlphanumerics(TOKEN_LENGTH);
  codes.issue('pending', token, user.id, { authMethod: 'password' });
  return token;
}

type Invited = { organizationId: string | undefined };
const NOT_INVITED: Invited = { organizationId: undefined };

/** Accepts the invitation; `undefined` if that fails. A repeated form finds it accepted by the same person. */
function accept(deps: HostedDeps, token: string, user: UserRow): Invited | undefined {
  const row = findInvitationByToken(deps, token);
  if (!row) return undefined;
  if (row.accepted_user_id === user.id) return { organizationId: row.organization_id ?? undefined };
  try {
    return { organizationId: acceptInvitation(deps, row, user).organization_id ?? undefined };
  } catch (error) {
    if (error instanceof HttpError) return undefined;
    throw error;
  }
}
