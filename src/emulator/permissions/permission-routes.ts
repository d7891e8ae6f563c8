import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { coded, notFound } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import { updateRow } from '../state/rows.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

type Deps = { store: Store; ids: Ids; clock: Clock; events: EventLog };

type PermissionRow = {
  id: string;
  position: string;
  slug: string;
  name: string;
  description: string | null;
  resource_type_slug: string;
  created_at: string;
  updated_at: string;
};

const Update = z.object({ name: z.string().min(1).max(48).optional(), description: z.string().max(150).nullish() });
const Creation = z.object({
  slug: z.string().regex(/^[a-z0-9\-_:.*]{1,48}$/),
  name: z.string().min(1).max(48),
  description: z.string().max(150).nullish(),
  resource_type_slug: z.string().min(1).max(48).default('organization'),
});

export function permissionRoutes(deps: Deps): Route[] {
  const path = '/authorization/permissions';
  return [
    { method: 'get', path, access: 'environment', handle: ({ query }) => list(deps, query) },
    { method: 'post', path, access: 'environment', handle: ({ body }) => create(deps, body) },
    {
      method: 'get',
      path: `${path}/:slug`,
      access: 'environment',
      handle: ({ params }) => ({ status: 200, body: toPermission(getPermission(deps, params['slug']!)) }),
    },
    { method: 'patch', path: `${path}/:slug`, access: 'environment', handle: (request) => update(deps, request) },
    {
      method: 'delete',
      path: `${path}/:slug`,
      access: 'environment',
      handle: ({ params }) => remove(deps, getPermission(deps, params['slug']!)),
    },
  ];
}

function list({ store }: Deps, query: URLSearchParams): Reply {
  const page = selectPage<PermissionRow>(
    store,
    { table: 'permissions', where: 'true', values: [] },
    readPageQuery(query),
  );
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toPermission(row)),
      page,
    ),
  };
}

function create({ store, ids, clock, events }: Deps, body: unknown): Reply {
  const { description = null, ...fields } = parse(Creation, body);
  if (store.get('select 1 from permissions where slug = ?', fields.slug)) {
    throw coded(409, 'permission_slug_conflict', `A permission with the slug '${fields.slug}' already exists.`);
  }
  const position = ids.ulid();
  const now = timestamp(clock);
  const row: PermissionRow = {
    id: `perm_${position}`,
    position,
    ...fields,
    description,
    created_at: now,
    updated_at: now,
  };
  store.transaction(() => {
    store.run(
      `insert into permissions (id, position, slug, name, description, resource_type_slug, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?)`,
      row.id,
      position,
      row.slug,
      row.name,
      description,
      row.resource_type_slug,
      now,
      now,
    );
    events.emit('permission.created', toPermission(row), null);
  });
  return { status: 201, body: toPermission(row) };
}

function getPermission({ store }: Deps, slug: string): PermissionRow {
  const row = store.get<PermissionRow>('select * from permissions where slug = ?', slug);
  if (!row) throw notFound('Permission', slug);
  return row;
}

function update(deps: Deps, { params, body }: Request): Reply {
  const { store, clock, events } = deps;
  const changes = parse(Update, body);
  const row = getPermission(deps, params['slug']!);
  return store.transaction(() => {
    updateRow(store, 'permissions', row.id, {
      name: changes.name ?? row.name,
      description: changes.description === undefined ? row.description : changes.description,
      updated_at: timestamp(clock),
    });
    const changed = toPermission(getPermission(deps, row.slug));
    events.emit('permission.updated', changed, null);
    return { status: 200, body: changed };
  });
}

/** Removes it from roles, too. Keys keep the slugs that they were created with. */
function remove({ store, events }: Deps, row: PermissionRow): Reply {
  store.transaction(() => {
    store.run('delete from permissions where id = ?', row.id);
    for (const table of ['roles', 'organization_roles'])
      store.run(
        `update ${table} set permissions = (select json_group_array(value) from json_each(permissions) where value <> ?1)
         where exists (select 1 from json_each(permissions) where value = ?1)`,
        row.slug,
      );
    events.emit('permission.deleted', toPermission(row), null);
  });
  return { status: 204 };
}

const toPermission = ({ position: _position, ...row }: PermissionRow): object => ({
  object: 'permission',
  system: false,
  ...row,
});
