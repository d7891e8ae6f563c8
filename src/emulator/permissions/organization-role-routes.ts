import type { z } from 'zod';
import { timestamp } from '../clock.ts';
import { coded, HttpError, notFound } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import { insertRow } from '../state/rows.ts';
import type { RoleDeps } from './role-fields.ts';
import { PermissionSlug, RoleChanges, RoleCreation, RolePermissions, assertKnownPermissions } from './role-fields.ts';
import type { Role } from './role-store.ts';
import {
  findOrganizationRole,
  findRole,
  listEnvironmentRoles,
  listOrganizationRoles,
  toRoleBody,
  toRoleEvent,
} from './role-store.ts';

/** Routes of an organization's own roles. Lists show the environment's roles, too. */
export function organizationRoleRoutes(deps: RoleDeps): Route[] {
  const access = 'environment';
  const path = '/authorization/organizations/:organizationId/roles';
  const one = `${path}/:slug`;
  return [
    { method: 'get', path, access, handle: (request) => list(deps, request) },
    { method: 'post', path, access, handle: (request) => create(deps, request) },
    { method: 'get', path: one, access, handle: (request) => answer(visibleRole(deps, request)) },
    {
      method: 'patch',
      path: one,
      access,
      handle: (request) => change(deps, ownRole(deps, request), parse(RoleChanges, request.body)),
    },
    { method: 'delete', path: one, access, handle: (request) => remove(deps, ownRole(deps, request)) },
    {
      method: 'put',
      path: `${one}/permissions`,
      access,
      handle: (request) => change(deps, ownRole(deps, request), parse(RolePermissions, request.body)),
    },
    {
      method: 'post',
      path: `${one}/permissions`,
      access,
      handle: (request) => {
        const role = ownRole(deps, request);
        const { slug } = parse(PermissionSlug, request.body);
        return change(deps, role, { permissions: [...new Set([...role.permissions, slug])] });
      },
    },
    {
      method: 'delete',
      path: `${one}/permissions/:permissionSlug`,
      access,
      handle: (request) => removePermission(deps, request),
    },
  ];
}

const answer = (role: Role, status = 200): Reply => ({ status, body: toRoleBody(role) });

function list({ store, organizations }: RoleDeps, { params }: Request): Reply {
  const { id } = organizations.get(params['organizationId']!);
  const roles = [...listEnvironmentRoles(store), ...listOrganizationRoles(store, id)];
  return { status: 200, body: { object: 'list', data: roles.map((role) => toRoleBody(role)) } };
}

function visibleRole({ store, organizations }: RoleDeps, { params }: Request): Role {
  const organization = organizations.get(params['organizationId']!);
  const role = findRole(store, organization.id, params['slug']!);
  if (!role) throw notFound('Role', params['slug']!);
  return role;
}

function ownRole(deps: RoleDeps, request: Request): Role & { organizationId: string } {
  const role = visibleRole(deps, request);
  if (role.organizationId === null)
    throw new HttpError(403, { message: `The role '${role.slug}' belongs to the environment.` });
  return { ...role, organizationId: role.organizationId };
}

function create(deps: RoleDeps, { params, body }: Request): Reply {
  const { store, ids, clock, events } = deps;
  const organization = deps.organizations.get(params['organizationId']!);
  const { name, description = null, ...input } = parse(RoleCreation, body);
  const slug = input.slug ?? slugOf(name);
  if (findRole(store, organization.id, slug))
    throw coded(409, 'organization_role_slug_conflict', `A role with the slug '${slug}' already exists.`);
  return store.transaction(() => {
    const now = timestamp(clock);
    insertRow(store, 'organization_roles', {
      organization_id: organization.id,
      slug,
      id: ids.make('role'),
      name,
      description,
      permissions: '[]',
      created_at: now,
      updated_at: now,
    });
    const role = findOrganizationRole(store, organization.id, slug)!;
    events.emit('organization_role.created', toRoleEvent(role), organization.id);
    return answer(role, 201);
  });
}

/** WorkOS prefixes a generated slug with `org-`. */
const slugOf = (name: string): string =>
  `org-${name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')}`.slice(0, 48);

type Changes = z.output<typeof RoleChanges> & Partial<z.output<typeof RolePermissions>>;

function change(deps: RoleDeps, role: Role & { organizationId: string }, changes: Changes): Reply {
  const { store, clock, events } = deps;
  assertKnownPermissions(deps, role, changes.permissions);
  return store.transaction(() => {
    store.run(
      `update organization_roles set name = ?, description = ?, permissions = ?, updated_at = ?
       where organization_id = ? and slug = ?`,
      changes.name ?? role.name,
      changes.description === undefined ? role.description : changes.description,
      JSON.stringify(changes.permissions ?? role.permissions),
      timestamp(clock),
      role.organizationId,
      role.slug,
    );
    const changed = findOrganizationRole(store, role.organizationId, role.slug)!;
    events.emit('organization_role.updated', toRoleEvent(changed), role.organizationId);
    return answer(changed);
  });
}

function removePermission(deps: RoleDeps, request: Request): Reply {
  const role = ownRole(deps, request);
  const slug = request.params['permissionSlug']!;
  if (!role.permissions.includes(slug)) throw notFound('Permission', slug);
  return change(deps, role, { permissions: role.permissions.filter((each) => each !== slug) });
}

function remove({ store, events }: RoleDeps, role: Role & { organizationId: string }): Reply {
  const sql = 'select 1 from memberships where organization_id = ? and role = ?';
  if (store.get(sql, role.organizationId, role.slug))
    throw coded(409, 'role_has_assignments', `The role '${role.slug}' is assigned to members.`);
  store.transaction(() => {
    store.run('delete from organization_roles where organization_id = ? and slug = ?', role.organizationId, role.slug);
    events.emit('organization_role.deleted', toRoleEvent(role), role.organizationId);
  });
  return { status: 204 };
}
