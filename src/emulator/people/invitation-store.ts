import type { Clock } from '../clock.ts';
import { timestamp, timestampIn } from '../clock.ts';
import { coded, notFound } from '../http/http-error.ts';
import { DEFAULT_ROLE } from '../permissions/role-store.ts';
import { updateRow } from '../state/rows.ts';
import { addMembership } from './membership-routes.ts';
import type { MembershipDeps } from './membership-routes.ts';
import type { UserRow } from './user-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export type InvitationRow = {
  id: string;
  position: string;
  email: string;
  organization_id: string | null;
  inviter_user_id: string | null;
  role_slug: string | null;
  token: string;
  accepted_at: string | null;
  accepted_user_id: string | null;
  revoked_at: string | null;
  expires_at: string;
  created_at: string;
  updated_at: string;
};

export type InvitationDeps = MembershipDeps & { url: () => string };

export const expiryIn = (clock: Clock, days: number): string => timestampIn(clock, days * DAY_MS);

export function stateOf(row: InvitationRow, clock: Clock): 'pending' | 'accepted' | 'expired' | 'revoked' {
  if (row.accepted_at !== null) return 'accepted';
  if (row.revoked_at !== null) return 'revoked';
  return row.expires_at > timestamp(clock) ? 'pending' : 'expired';
}

export function getInvitation({ store }: Pick<MembershipDeps, 'store'>, id: string): InvitationRow {
  const row = store.get<InvitationRow>('select * from invitations where id = ?', id);
  if (!row) throw notFound('Invitation', id);
  return row;
}

export const findInvitationByToken = (
  { store }: Pick<MembershipDeps, 'store'>,
  token: string,
): InvitationRow | undefined => store.get<InvitationRow>('select * from invitations where token = ?', token);

/** Makes the person a member. Throws 400 when the invitation has ended or is for another address. */
export function acceptInvitation(deps: InvitationDeps, row: InvitationRow, user: UserRow): InvitationRow {
  if (stateOf(row, deps.clock) !== 'pending')
    throw coded(400, 'invite_not_pending', `The invitation is ${stateOf(row, deps.clock)}.`);
  if (row.email.toLowerCase() !== user.email.toLowerCase())
    throw coded(400, 'invalid_invite', 'The invitation is for another email address.');
  return deps.store.transaction(() => {
    const now = timestamp(deps.clock);
    updateRow(deps.store, 'invitations', row.id, { accepted_at: now, accepted_user_id: user.id, updated_at: now });
    if (row.organization_id !== null && !isMember(deps, user.id, row.organization_id))
      addMembership(deps, user.id, row.organization_id, row.role_slug ?? DEFAULT_ROLE);
    const accepted = getInvitation(deps, row.id);
    emitInvitation(deps, 'accepted', accepted);
    return accepted;
  });
}

export const isMember = ({ store }: Pick<MembershipDeps, 'store'>, userId: string, organizationId: string): boolean =>
  store.get('select 1 from memberships where user_id = ? and organization_id = ?', userId, organizationId) !==
  undefined;

export const emitInvitation = (
  deps: InvitationDeps,
  what: 'created' | 'accepted' | 'revoked' | 'resent',
  row: InvitationRow,
): void => deps.events.emit(`invitation.${what}`, toEvent(row, deps.clock), row.organization_id);

const toEvent = (row: InvitationRow, clock: Clock): object => ({
  object: 'invitation',
  id: row.id,
  email: row.email,
  state: stateOf(row, clock),
  accepted_at: row.accepted_at,
  revoked_at: row.revoked_at,
  expires_at: row.expires_at,
  organization_id: row.organization_id,
  inviter_user_id: row.inviter_user_id,
  accepted_user_id: row.accepted_user_id,
  role_slug: row.role_slug,
  created_at: row.created_at,
  updated_at: row.updated_at,
});

/** Returns the invitation as in events, without the token, with which a reader of events could accept it. */
export const toInvitation = ({ url, clock }: InvitationDeps, row: InvitationRow): object => ({
  ...toEvent(row, clock),
  token: row.token,
  accept_invitation_url: `${url()}/invite?invitation_token=${row.token}`,
});
