import type { z } from 'zod';
import { timestamp } from '../clock.ts';
import { coded, notFound } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import { insertRow } from '../state/rows.ts';
import type { RoleDeps } from './role-fields.ts';
import { PermissionSlug, RoleChanges, RoleCreation, RolePermissions, assertKnownPermissions } from './role-fields.ts';
import type { Role } from './role-store.ts';
import { findEnvironmentRole, listEnvironmentRoles, toRoleBody, toRoleEvent } from './role-store.ts';

const Creation = RoleCreation.required({ slug: true });

/** Routes of the environment's roles, which every organization has. */
export function roleRoutes(deps: RoleDeps): Route[] {
  const access = 'environment';
  const path = '/authorization/roles';
  const one = `${path}/:slug`;
  const role = (slug: string | undefined): Role => getRole(deps, slug ?? '');
  return [
    {
      method: 'get',
      path,
      access,
      handle: () => ({
        status: 200,
        body: { object: 'list', data: listEnvironmentRoles(deps.store).map((each) => toRoleBody(each)) },
      }),
    },
    { method: 'post', path, access, handle: ({ body }) => create(deps, body) },
    { method: 'get', path: one, access, handle: ({ params }) => answer(role(params['slug'])) },
    {
      method: 'patch',
      path: one,
      access,
      handle: ({ params, body }) => change(deps, role(params['slug']), parse(RoleChanges, body)),
    },
    {
      method: 'put',
      path: `${one}/permissions`,
      access,
      handle: ({ params, body }) => change(deps, role(params['slug']), parse(RolePermissions, body)),
    },
    {
      method: 'post',
      path: `${one}/permissions`,
      access,
      handle: ({ params, body }) => {
        const { slug } = parse(PermissionSlug, body);
        const current = role(params['slug']);
        return change(deps, current, { permissions: [...new Set([...current.permissions, slug])] });
      },
    },
  ];
}

const answer = (role: Role, status = 200): Reply => ({ status, body: toRoleBody(role) });

function getRole({ store }: RoleDeps, slug: string): Role {
  const role = findEnvironmentRole(store, slug);
  if (!role) throw notFound('Role', slug);
  return role;
}

function create(deps: RoleDeps, body: unknown): Reply {
  const { slug, name, description = null } = parse(Creation, body);
  if (findEnvironmentRole(deps.store, slug))
    throw coded(409, 'role_slug_conflict', `A role with the slug '${slug}' already exists.`);
  return deps.store.transaction(() => {
    insertRow(deps.store, 'roles', { slug, name, description, permissions: '[]', created_at: timestamp(deps.clock) });
    const role = getRole(deps, slug);
    deps.events.emit('role.created', toRoleEvent(role), null);
    return answer(role, 201);
  });
}

type Changes = z.output<typeof RoleChanges> & Partial<z.output<typeof RolePermissions>>;

function change(deps: RoleDeps, role: Role, changes: Changes): Reply {
  const { store, clock, events } = deps;
  assertKnownPermissions(deps, role, changes.permissions);
  return store.transaction(() => {
    store.run(
      'update roles set name = ?, description = ?, permissions = ? where slug = ?',
      changes.name ?? role.name,
      changes.description === undefined ? role.description : changes.description,
      JSON.stringify(changes.permissions ?? role.permissions),
      role.slug,
    );
    store.run('insert or replace into role_changes (slug, updated_at) values (?, ?)', role.slug, timestamp(clock));
    const changed = getRole(deps, role.slug);
    events.emit('role.updated', toRoleEvent(changed), null);
    return answer(changed);
  });
}
