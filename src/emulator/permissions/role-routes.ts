import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { notFound } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Route } from '../http/route.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';

type Deps = { store: Store; clock: Clock; organizations: OrganizationStore; events: EventLog };
type RoleRow = { slug: string; name: string; permissions: string; updated_at: string | null };

const MAX_PERMISSIONS = 500;
/** A role that nobody has changed is as old as can be. */
const UNCHANGED_SINCE = '2020-01-01T00:00:00.000Z';

const Permissions = z.object({ permissions: z.array(z.string().min(1).max(128)).max(MAX_PERMISSIONS) });

/** Additions to the contract: what a role grants has to be readable, and its change testable. */
export function roleRoutes(deps: Deps): Route[] {
  const access = 'environment';
  return [
    {
      method: 'get',
      path: '/authorization/organizations/:organizationId/roles/:slug',
      access,
      handle: ({ params }) => {
        deps.organizations.get(params['organizationId']!);
        return { status: 200, body: toRole(getRole(deps, params['slug']!)) };
      },
    },
    {
      method: 'put',
      path: '/authorization/roles/:slug/permissions',
      access,
      handle: ({ params, body }) => ({ status: 200, body: setPermissions(deps, params['slug']!, body) }),
    },
  ];
}

function setPermissions(deps: Deps, slug: string, body: unknown): object {
  const { store, clock, events } = deps;
  const { permissions } = parse(Permissions, body);
  getRole(deps, slug);
  return store.transaction(() => {
    store.run('update roles set permissions = ? where slug = ?', JSON.stringify(permissions), slug);
    store.run('insert or replace into role_changes (slug, updated_at) values (?, ?)', slug, timestamp(clock));
    const role = toRole(getRole(deps, slug));
    const { object, resource_type_slug, created_at, updated_at } = role;
    events.emit('role.updated', { object, slug, resource_type_slug, permissions, created_at, updated_at }, null);
    return role;
  });
}

function getRole({ store }: Deps, slug: string): RoleRow {
  const row = store.get<RoleRow>(
    `select roles.slug, name, permissions, updated_at from roles left join role_changes on role_changes.slug = roles.slug
     where roles.slug = ?`,
    slug,
  );
  if (!row) throw notFound('Role', slug);
  return row;
}

const toRole = ({ slug, name, permissions, updated_at: updatedAt }: RoleRow) => ({
  object: 'role',
  id: `role_${slug}`,
  slug,
  name,
  description: null,
  type: 'EnvironmentRole',
  resource_type_slug: 'organization',
  permissions: readJson<string[]>(permissions),
  created_at: UNCHANGED_SINCE,
  updated_at: updatedAt ?? UNCHANGED_SINCE,
});
