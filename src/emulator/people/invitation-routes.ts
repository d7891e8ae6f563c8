import { z } from 'zod';
import { timestamp } from '../clock.ts';
import { coded, notFound } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import { findRole } from '../permissions/role-store.ts';
import { randomAlphanumerics } from '../random-text.ts';
import { insertRow, updateRow } from '../state/rows.ts';
import type { InvitationDeps, InvitationRow } from './invitation-store.ts';
import {
  acceptInvitation,
  emitInvitation,
  expiryIn,
  findInvitationByToken,
  getInvitation,
  isMember,
  stateOf,
  toInvitation,
} from './invitation-store.ts';
import { findUserByEmail } from './user-store.ts';

const TOKEN_LENGTH = 24;
const DEFAULT_DAYS = 7;
const MAX_DAYS = 30;

const Creation = z.object({
  email: z.email().max(320),
  organization_id: z.string().min(1).nullish(),
  role_slug: z.string().min(1).max(128).nullish(),
  expires_in_days: z.number().int().nullish(),
  inviter_user_id: z.string().min(1).nullish(),
  locale: z.string().max(35).nullish(),
});

export function invitationRoutes(deps: InvitationDeps): Route[] {
  const path = '/user_management/invitations';
  const access = 'environment';
  const found = (id: string | undefined): InvitationRow => getInvitation(deps, id ?? '');
  return [
    { method: 'get', path, access, handle: ({ query }) => list(deps, query) },
    { method: 'post', path, access, handle: ({ body }) => create(deps, body) },
    {
      method: 'get',
      path: `${path}/by_token/:token`,
      access,
      handle: ({ params }) => {
        const row = findInvitationByToken(deps, params['token']!);
        if (!row) throw notFound('Invitation', params['token']!);
        return answer(deps, row);
      },
    },
    { method: 'get', path: `${path}/:id`, access, handle: ({ params }) => answer(deps, found(params['id'])) },
    { method: 'post', path: `${path}/:id/accept`, access, handle: ({ params }) => accept(deps, found(params['id'])) },
    { method: 'post', path: `${path}/:id/resend`, access, handle: ({ params }) => resend(deps, found(params['id'])) },
    { method: 'post', path: `${path}/:id/revoke`, access, handle: ({ params }) => revoke(deps, found(params['id'])) },
  ];
}

const answer = (deps: InvitationDeps, row: InvitationRow, status = 200): Reply => ({
  status,
  body: toInvitation(deps, row),
});

function list(deps: InvitationDeps, query: URLSearchParams): Reply {
  const selection = {
    table: 'invitations',
    where: '(?1 is null or organization_id = ?1) and (?2 is null or email = ?2)',
    values: [query.get('organization_id'), query.get('email')],
  };
  const page = selectPage<InvitationRow>(deps.store, selection, readPageQuery(query));
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toInvitation(deps, row)),
      page,
    ),
  };
}

function create(deps: InvitationDeps, body: unknown): Reply {
  const input = parse(Creation, body);
  assertInvitable(deps, input);
  const position = deps.ids.ulid();
  const now = timestamp(deps.clock);
  return deps.store.transaction(() => {
    insertRow(deps.store, 'invitations', {
      id: `invitation_${position}`,
      position,
      email: input.email,
      organization_id: input.organization_id ?? null,
      inviter_user_id: input.inviter_user_id ?? null,
      role_slug: input.role_slug ?? null,
      token: randomAlphanumerics(TOKEN_LENGTH),
      expires_at: expiryIn(deps.clock, input.expires_in_days ?? DEFAULT_DAYS),
      created_at: now,
      updated_at: now,
    });
    const row = getInvitation(deps, `invitation_${position}`);
    emitInvitation(deps, 'created', row);
    return answer(deps, row, 201);
  });
}

function assertInvitable(deps: InvitationDeps, input: z.output<typeof Creation>): void {
  const { email, organization_id: organizationId, role_slug: role, expires_in_days: days } = input;
  if (days != null && days < 1) throw coded(400, 'expires_in_days_too_short', 'An invitation lasts at least a day.');
  if (days != null && days > MAX_DAYS)
    throw coded(400, 'expires_in_days_too_long', `An invitation lasts at most ${MAX_DAYS} days.`);
  const user = findUserByEmail(deps.store, email);
  if (organizationId == null) {
    if (user) throw coded(400, 'user_already_exists', `A user with the email '${email}' already exists.`);
  } else {
    const organization = deps.organizations.get(organizationId);
    if (role != null && !findRole(deps.store, organization.id, role))
      throw coded(400, 'invalid_role', `Invalid role '${role}'.`);
    if (user && isMember(deps, user.id, organization.id))
      throw coded(400, 'user_already_organization_member', `'${email}' is a member of the organization already.`);
  }
  const sql = 'select * from invitations where email = ? and organization_id is ?';
  const open = deps.store
    .all<InvitationRow>(sql, email, organizationId ?? null)
    .some((row) => stateOf(row, deps.clock) === 'pending');
  if (!open) return;
  const code = organizationId == null ? 'email_already_invited' : 'email_already_invited_to_organization';
  throw coded(400, code, `'${email}' has been invited already.`);
}

function accept(deps: InvitationDeps, row: InvitationRow): Reply {
  const user = findUserByEmail(deps.store, row.email);
  if (!user) throw coded(400, 'invalid_invite', 'There is no user with the email address of this invitation.');
  return answer(deps, acceptInvitation(deps, row, user));
}

function resend(deps: InvitationDeps, row: InvitationRow): Reply {
  const state = stateOf(row, deps.clock);
  if (state !== 'pending') throw coded(400, `invite_${state}`, `The invitation is ${state}.`);
  updateRow(deps.store, 'invitations', row.id, {
    expires_at: expiryIn(deps.clock, DEFAULT_DAYS),
    updated_at: timestamp(deps.clock),
  });
  const sent = getInvitation(deps, row.id);
  emitInvitation(deps, 'resent', sent);
  return answer(deps, sent);
}

function revoke(deps: InvitationDeps, row: InvitationRow): Reply {
  if (stateOf(row, deps.clock) !== 'pending')
    throw coded(400, 'invite_not_pending', `The invitation is ${stateOf(row, deps.clock)}.`);
  const now = timestamp(deps.clock);
  updateRow(deps.store, 'invitations', row.id, { revoked_at: now, updated_at: now });
  const revoked = getInvitation(deps, row.id);
  emitInvitation(deps, 'revoked', revoked);
  return answer(deps, revoked);
}
