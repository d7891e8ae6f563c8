import { z } from 'zod';
import type { ApiKeyStore } from '../api-keys/api-key-store.ts';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { coded, notFound } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import { insertRow } from '../state/rows.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';
import { DEFAULT_ROLE, findRole } from '../permissions/role-store.ts';
import type { MembershipRow } from './membership-store.ts';
import { getUser, toUser } from './user-store.ts';

export type MembershipDeps = Deps;
type Deps = {
  store: Store;
  ids: Ids;
  clock: Clock;
  organizations: OrganizationStore;
  apiKeys: ApiKeyStore;
  sessions: SessionStore;
  events: EventLog;
};

const RoleSlug = z.string().min(1).max(128);
const Roles = { role_slug: RoleSlug.optional(), role_slugs: z.array(RoleSlug).min(1).max(100).optional() };
const Update = z.object(Roles);
const Creation = z.object({ user_id: z.string().min(1), organization_id: z.string().min(1), ...Roles });
const Statuses = z.array(z.enum(['active', 'inactive', 'pending'])).min(1);

export function membershipRoutes(deps: Deps): Route[] {
  const path = '/user_management/organization_memberships';
  const access = 'environment';
  return [
    { method: 'get', path, access, handle: ({ query }) => list(deps, query) },
    { method: 'post', path, access, handle: ({ body }) => create(deps, body) },
    {
      method: 'get',
      path: `${path}/:id`,
      access,
      handle: ({ params }) => ({ status: 200, body: toMembership(deps, getMembership(deps, params['id']!)) }),
    },
    { method: 'put', path: `${path}/:id`, access, handle: ({ params, body }) => changeRole(deps, params['id']!, body) },
    { method: 'delete', path: `${path}/:id`, access, handle: ({ params }) => remove(deps, params['id']!) },
    {
      method: 'put',
      path: `${path}/:id/deactivate`,
      access,
      handle: ({ params }) => changeStatus(deps, params['id']!, 'inactive'),
    },
    {
      method: 'put',
      path: `${path}/:id/reactivate`,
      access,
      handle: ({ params }) => changeStatus(deps, params['id']!, 'active'),
    },
  ];
}

function list(deps: Deps, query: URLSearchParams): Reply {
  const userId = query.get('user_id');
  const organizationId = query.get('organization_id');
  if (!userId && !organizationId) {
    throw coded(400, 'missing_user_id_or_organization_id', 'At least one of user_id or organization_id must be given.');
  }
  if (userId) getUser(deps.store, userId);
  if (organizationId) deps.organizations.get(organizationId);
  const given = query.getAll('statuses').flatMap((value) => value.split(','));
  const statuses = given.length > 0 ? parse(Statuses, given) : ['active'];
  const selection = {
    table: 'memberships',
    where: `(?1 is null or user_id = ?1) and (?2 is null or organization_id = ?2) and status in (select value from json_each(?3))`,
    values: [userId, organizationId, JSON.stringify(statuses)],
  };
  const page = selectPage<MembershipRow>(deps.store, selection, readPageQuery(query));
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toMembership(deps, row)),
      page,
    ),
  };
}

function remove(deps: Deps, id: string): Reply {
  const row = getMembership(deps, id);
  deps.store.transaction(() => {
    endMembership(deps, row);
  });
  return { status: 200 };
}

/** Creates a membership, or reactivates a deactivated one, as WorkOS does. */
function create(deps: Deps, body: unknown): Reply {
  const input = parse(Creation, body);
  const user = getUser(deps.store, input.user_id);
  const organization = deps.organizations.get(input.organization_id);
  const role = readRole(deps, organization.id, input) ?? DEFAULT_ROLE;
  const known = deps.store.get<MembershipRow>(
    'select * from memberships where user_id = ? and organization_id = ?',
    user.id,
    organization.id,
  );
  if (known?.status === 'inactive') {
    changeStatus(deps, known.id, 'active');
    return { ...changeRole(deps, known.id, { role_slug: role }), status: 201 };
  }
  if (known)
    throw coded(422, 'invalid_request_parameters', `User '${user.id}' is a member of '${organization.id}' already.`);
  return { status: 201, body: toMembership(deps, addMembership(deps, user.id, organization.id, role)) };
}

export function addMembership(deps: Deps, userId: string, organizationId: string, role: string): MembershipRow {
  const position = deps.ids.ulid();
  const now = timestamp(deps.clock);
  const row: MembershipRow = {
    id: `om_${position}`,
    position,
    user_id: userId,
    organization_id: organizationId,
    role,
    status: 'active',
    created_at: now,
    updated_at: now,
  };
  return deps.store.transaction(() => {
    insertRow(deps.store, 'memberships', row);
    deps.events.emit('organization_membership.created', toMembershipEvent(row), organizationId);
    return row;
  });
}

/** Returns the requested role, if any. Refuses several roles, which an environment has to enable. */
function readRole(deps: Deps, organizationId: string, input: z.output<typeof Update>): string | undefined {
  if (input.role_slugs !== undefined && input.role_slugs.length > 1)
    throw coded(422, 'multiple_roles_not_enabled', 'Multiple roles are not enabled for this environment.');
  const slug = input.role_slug ?? input.role_slugs?.[0];
  if (slug !== undefined && !findRole(deps.store, organizationId, slug))
    throw coded(422, 'invalid_role', `Invalid role '${slug}'.`);
  return slug;
}

/** Needs an open transaction. */
export function endMembership(deps: Deps, row: MembershipRow): void {
  endAccess(deps, row);
  deps.store.run('delete from memberships where id = ?', row.id);
  deps.events.emit('organization_membership.deleted', toMembershipEvent(row), row.organization_id);
}

function changeRole(deps: Deps, id: string, body: unknown): Reply {
  const row = getMembership(deps, id);
  const role = readRole(deps, row.organization_id, parse(Update, body)) ?? row.role;
  const changed = { ...row, role, updated_at: timestamp(deps.clock) };
  deps.store.transaction(() => {
    deps.store.run('update memberships set role = ?, updated_at = ? where id = ?', role, changed.updated_at, id);
    tellUpdated(deps, changed);
  });
  return { status: 200, body: toMembership(deps, changed) };
}

function tellUpdated(deps: Deps, row: MembershipRow): void {
  deps.events.emit('organization_membership.updated', toMembershipEvent(row), row.organization_id);
}

function changeStatus(deps: Deps, id: string, status: 'active' | 'inactive'): Reply {
  const row = getMembership(deps, id);
  if (row.status === 'pending') {
    const verb = status === 'active' ? 'reactivate' : 'deactivate';
    throw coded(400, `cannot_${verb}_pending_organization_membership`, 'The membership waits for its invitation.');
  }
  const changed = { ...row, status, updated_at: timestamp(deps.clock) };
  deps.store.transaction(() => {
    if (status === 'inactive') endAccess(deps, row);
    deps.store.run(
      'update memberships set status = ?, updated_at = ? where id = ?',
      status,
      changed.updated_at,
      row.id,
    );
    tellUpdated(deps, changed);
  });
  return { status: 200, body: toMembership(deps, changed) };
}

/** Ends the member's keys, as WorkOS documents, and sessions, which is our reading. */
function endAccess(
  { apiKeys, sessions }: Deps,
  { user_id: userId, organization_id: organizationId }: MembershipRow,
): void {
  apiKeys.revokeOfMember(userId, organizationId);
  sessions.revokeOfMember(userId, organizationId);
}

function getMembership({ store }: Deps, id: string): MembershipRow {
  const row = store.get<MembershipRow>('select * from memberships where id = ?', id);
  if (!row) throw notFound('Organization Membership', id);
  return row;
}

const toMembership = (deps: Deps, row: MembershipRow): object => ({
  ...toMembershipEvent(row),
  organization_name: deps.organizations.get(row.organization_id).name,
  user: toUser(getUser(deps.store, row.user_id)),
});

/** Returns a membership as in events, with only the ids of the person and the organization. */
const toMembershipEvent = (row: MembershipRow): object => ({
  object: 'organization_membership',
  id: row.id,
  user_id: row.user_id,
  organization_id: row.organization_id,
  status: row.status,
  directory_managed: false,
  custom_attributes: {},
  role: { slug: row.role },
  roles: [{ slug: row.role }],
  created_at: row.created_at,
  updated_at: row.updated_at,
});
