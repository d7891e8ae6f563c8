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
import type { Store } from '../state/store.ts';
import type { MembershipRow } from './membership-store.ts';
import { getUser, toUser } from './user-store.ts';

export type MembershipDeps = Deps;
type Deps = {
  store: Store;
  clock: Clock;
  organizations: OrganizationStore;
  apiKeys: ApiKeyStore;
  sessions: SessionStore;
  events: EventLog;
};

const Update = z.object({ role_slug: z.string().min(1).max(128) });
const Statuses = z.array(z.enum(['active', 'inactive', 'pending'])).min(1);

/** The list is all that the contract has. Ending or changing a membership is an addition: its effect on keys has to be testable. */
export function membershipRoutes(deps: Deps): Route[] {
  const path = '/user_management/organization_memberships';
  const access = 'environment';
  const deactivate: Route['handle'] = ({ params }) => changeStatus(deps, params['id']!, 'inactive');
  return [
    { method: 'get', path, access, handle: ({ query }) => list(deps, query) },
    { method: 'put', path: `${path}/:id`, access, handle: ({ params, body }) => changeRole(deps, params['id']!, body) },
    { method: 'delete', path: `${path}/:id`, access, handle: ({ params }) => remove(deps, params['id']!) },
    { method: 'put', path: `${path}/:id/deactivate`, access, handle: deactivate },
    { method: 'post', path: `${path}/:id/deactivate`, access, handle: deactivate },
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
  return { status: 204 };
}

/** Within a transaction. */
export function endMembership(deps: Deps, row: MembershipRow): void {
  endAccess(deps, row);
  deps.store.run('delete from memberships where id = ?', row.id);
  deps.events.emit('organization_membership.deleted', toMembership(deps, row), row.organization_id);
}

function changeRole(deps: Deps, id: string, body: unknown): Reply {
  const { role_slug: role } = parse(Update, body);
  const changed = { ...getMembership(deps, id), role, updated_at: timestamp(deps.clock) };
  deps.store.transaction(() => {
    deps.store.run('update memberships set role = ?, updated_at = ? where id = ?', role, changed.updated_at, id);
    tellUpdated(deps, changed);
  });
  return { status: 200, body: toMembership(deps, changed) };
}

function tellUpdated(deps: Deps, row: MembershipRow): void {
  deps.events.emit('organization_membership.updated', toMembership(deps, row), row.organization_id);
}

function changeStatus(deps: Deps, id: string, status: 'active' | 'inactive'): Reply {
  const row = getMembership(deps, id);
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

/** WorkOS documents that a member's keys end with the membership; that sessions do, too, is our reading. */
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

const toMembership = ({ store, organizations }: Deps, row: MembershipRow): object => ({
  object: 'organization_membership',
  id: row.id,
  user_id: row.user_id,
  organization_id: row.organization_id,
  organization_name: organizations.get(row.organization_id).name,
  status: row.status,
  directory_managed: false,
  custom_attributes: {},
  role: { slug: row.role },
  roles: [{ slug: row.role }],
  user: toUser(getUser(store, row.user_id)),
  created_at: row.created_at,
  updated_at: row.updated_at,
});
