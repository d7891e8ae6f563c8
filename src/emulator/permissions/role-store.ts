import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';

/** Role of a member whose request named none. */
export const DEFAULT_ROLE = 'member';
/** Timestamp of a role that was never changed. */
const UNCHANGED_SINCE = '2020-01-01T00:00:00.000Z';

export type Role = {
  id: string;
  slug: string;
  name: string;
  description: string | null;
  /** `null` for a role of the whole environment. */
  organizationId: string | null;
  permissions: string[];
  createdAt: string;
  updatedAt: string;
};

type Row = {
  id: string | null;
  slug: string;
  name: string;
  description: string | null;
  organization_id: string | null;
  permissions: string;
  created_at: string | null;
  updated_at: string | null;
};

const ENVIRONMENT = `select null as id, roles.slug, name, description, null as organization_id, permissions, created_at, updated_at
  from roles left join role_changes on role_changes.slug = roles.slug`;
const ORGANIZATION = `select id, slug, name, description, organization_id, permissions, created_at, updated_at
  from organization_roles`;

export const listEnvironmentRoles = (store: Store): Role[] =>
  store.all<Row>(`${ENVIRONMENT} order by roles.rowid`).map((row) => toRole(row));

export function findEnvironmentRole(store: Store, slug: string): Role | undefined {
  const row = store.get<Row>(`${ENVIRONMENT} where roles.slug = ?`, slug);
  return row && toRole(row);
}

export const listOrganizationRoles = (store: Store, organizationId: string): Role[] =>
  store
    .all<Row>(`${ORGANIZATION} where organization_id = ? order by created_at, slug`, organizationId)
    .map((row) => toRole(row));

export function findOrganizationRole(store: Store, organizationId: string, slug: string): Role | undefined {
  const row = store.get<Row>(`${ORGANIZATION} where organization_id = ? and slug = ?`, organizationId, slug);
  return row && toRole(row);
}

/** Finds a role that a member of the organization may have: the organization's own or the environment's. */
export const findRole = (store: Store, organizationId: string, slug: string): Role | undefined =>
  findOrganizationRole(store, organizationId, slug) ?? findEnvironmentRole(store, slug);

export const permissionsOfRole = (store: Store, organizationId: string, slug: string): string[] =>
  findRole(store, organizationId, slug)?.permissions ?? [];

const toRole = (row: Row): Role => {
  const createdAt = row.created_at ?? UNCHANGED_SINCE;
  return {
    id: row.id ?? `role_${row.slug}`,
    slug: row.slug,
    name: row.name,
    description: row.description,
    organizationId: row.organization_id,
    permissions: readJson<string[]>(row.permissions),
    createdAt,
    updatedAt: row.updated_at ?? createdAt,
  };
};

export const toRoleBody = (role: Role): object => ({
  object: 'role',
  id: role.id,
  slug: role.slug,
  name: role.name,
  description: role.description,
  type: role.organizationId === null ? 'EnvironmentRole' : 'OrganizationRole',
  resource_type_slug: 'organization',
  permissions: role.permissions,
  created_at: role.createdAt,
  updated_at: role.updatedAt,
});

/** Events have fewer fields of an environment's role, and name the organization of an organization's role. */
export const toRoleEvent = (role: Role): object => ({
  object: role.organizationId === null ? 'role' : 'organization_role',
  ...(role.organizationId !== null && {
    organization_id: role.organizationId,
    name: role.name,
    description: role.description,
  }),
  slug: role.slug,
  resource_type_slug: 'organization',
  permissions: role.permissions,
  created_at: role.createdAt,
  updated_at: role.updatedAt,
});
