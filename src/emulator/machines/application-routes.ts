import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import { sha256 } from '../hashing.ts';
import { invalidRequest, notFound } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import { randomAlphanumerics } from '../random-text.ts';
import { readJson } from '../state/json.ts';
import { insertRow, updateRow } from '../state/rows.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

const SECRET_LENGTH = 48;
const HINT_LENGTH = 4;

type Deps = { store: Store; ids: Ids; clock: Clock; organizations: OrganizationStore };
type ApplicationRow = {
  id: string;
  position: string;
  client_id: string;
  organization_id: string;
  name: string;
  description: string | null;
  scopes: string;
  created_at: string;
  updated_at: string;
};
type SecretRow = {
  id: string;
  position: string;
  client_id: string;
  hint: string;
  last_used_at: string | null;
  created_at: string;
  updated_at: string;
};

const Fields = {
  name: z.string().min(1).max(255),
  description: z.string().max(1_000).nullish(),
  scopes: z.array(z.string().min(1).max(128)).max(200).nullish(),
};
/** The local WorkOS has no applications for people (`oauth`) and refuses them. */
const Creation = z.object({ ...Fields, application_type: z.literal('m2m'), organization_id: z.string().min(1) });
const Update = z.object(Fields).partial();

/** Routes of machine clients, as in WorkOS Connect, including those of a seed. */
export function applicationRoutes(deps: Deps): Route[] {
  const access = 'environment';
  const path = '/connect/applications';
  const found = ({ params }: Request): ApplicationRow => getApplication(deps, params['id']!);
  return [
    { method: 'get', path, access, handle: ({ query }) => list(deps, query) },
    { method: 'post', path, access, handle: ({ body }) => create(deps, body) },
    {
      method: 'get',
      path: `${path}/:id`,
      access,
      handle: (request) => ({ status: 200, body: toApplication(found(request)) }),
    },
    { method: 'put', path: `${path}/:id`, access, handle: (request) => update(deps, found(request), request.body) },
    {
      method: 'delete',
      path: `${path}/:id`,
      access,
      handle: (request) => {
        deps.store.run('delete from machine_clients where id = ?', found(request).id);
        return { status: 204 };
      },
    },
    { method: 'get', path: `${path}/:id/client_secrets`, access, handle: (request) => secrets(deps, found(request)) },
    {
      method: 'post',
      path: `${path}/:id/client_secrets`,
      access,
      handle: (request) => createSecret(deps, found(request)),
    },
    {
      method: 'delete',
      path: '/connect/client_secrets/:id',
      access,
      handle: ({ params }) => {
        const count = deps.store.run('delete from machine_client_secrets where id = ?', params['id']!);
        if (count === 0) throw notFound('Client Secret', params['id']!);
        return { status: 204 };
      },
    },
  ];
}

function getApplication({ store }: Deps, id: string): ApplicationRow {
  const row = store.get<ApplicationRow>('select * from machine_clients where id = ?1 or client_id = ?1', id);
  if (!row) throw notFound('Connect Application', id);
  return row;
}

function list({ store }: Deps, query: URLSearchParams): Reply {
  const selection = {
    table: 'machine_clients',
    where: '(?1 is null or organization_id = ?1)',
    values: [query.get('organization_id')],
  };
  const page = selectPage<ApplicationRow>(store, selection, readPageQuery(query));
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toApplication(row)),
      page,
    ),
  };
}

function create(deps: Deps, body: unknown): Reply {
  const input = parse(Creation, body);
  const organization = deps.organizations.get(input.organization_id);
  const position = deps.ids.ulid();
  const now = timestamp(deps.clock);
  insertRow(deps.store, 'machine_clients', {
    id: `conn_app_${position}`,
    position,
    client_id: `client_${position}`,
    // No secret has this hash: an application signs in with one of its secrets, a seeded client with its own.
    secret_hash: sha256(randomAlphanumerics(SECRET_LENGTH)),
    organization_id: organization.id,
    name: input.name,
    description: input.description ?? null,
    scopes: JSON.stringify(input.scopes ?? []),
    created_at: now,
    updated_at: now,
  });
  return { status: 201, body: toApplication(getApplication(deps, `conn_app_${position}`)) };
}

function update(deps: Deps, row: ApplicationRow, body: unknown): Reply {
  const input = parse(Update, body);
  updateRow(deps.store, 'machine_clients', row.id, {
    name: input.name ?? row.name,
    description: input.description === undefined ? row.description : input.description,
    scopes: input.scopes == null ? row.scopes : JSON.stringify(input.scopes),
    updated_at: timestamp(deps.clock),
  });
  return { status: 200, body: toApplication(getApplication(deps, row.id)) };
}

function secrets({ store }: Deps, { client_id: clientId }: ApplicationRow): Reply {
  const sql = 'select * from machine_client_secrets where client_id = ? order by position';
  return { status: 200, body: store.all<SecretRow>(sql, clientId).map((row) => toSecret(row)) };
}

const MAX_SECRETS = 5;

function createSecret({ store, ids, clock }: Deps, { client_id: clientId }: ApplicationRow): Reply {
  const sql = 'select count(*) as count from machine_client_secrets where client_id = ?';
  if ((store.get<{ count: number }>(sql, clientId)?.count ?? 0) >= MAX_SECRETS)
    throw invalidRequest([{ field: 'id', code: 'too_many_secrets', message: `At most ${MAX_SECRETS} secrets.` }]);
  const secret = randomAlphanumerics(SECRET_LENGTH);
  const position = ids.ulid();
  const now = timestamp(clock);
  const row: SecretRow = {
    id: `conn_app_secret_${position}`,
    position,
    client_id: clientId,
    hint: secret.slice(-HINT_LENGTH),
    last_used_at: null,
    created_at: now,
    updated_at: now,
  };
  insertRow(store, 'machine_client_secrets', { ...row, secret_hash: sha256(secret) });
  return { status: 201, body: { ...toSecret(row), secret } };
}

const toApplication = (row: ApplicationRow): object => ({
  object: 'connect_application',
  id: row.id,
  client_id: row.client_id,
  name: row.name,
  description: row.description,
  scopes: readJson<string[]>(row.scopes),
  application_type: 'm2m',
  organization_id: row.organization_id,
  created_at: row.created_at,
  updated_at: row.updated_at,
});

const toSecret = (row: SecretRow): object => ({
  object: 'connect_application_secret',
  id: row.id,
  secret_hint: row.hint,
  last_used_at: row.last_used_at,
  created_at: row.created_at,
  updated_at: row.updated_at,
});
