import type { Clock } from '../clock.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import type { Store } from '../state/store.ts';
import { assertAllowed } from './allowed-permissions.ts';
import type { Switches } from '../profile/switches.ts';
import { ApiKeyFields, assertFuture, assertName } from './api-key-fields.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import type { ApiKeyRow } from './api-key.ts';
import { toApiKey } from './api-key.ts';

type Deps = {
  store: Store;
  apiKeys: ApiKeyStore;
  organizations: OrganizationStore;
  clock: Clock;
  switches: Switches;
};

export function organizationApiKeyRoutes(deps: Deps): Route[] {
  const path = '/organizations/:organizationId/api_keys';
  return [
    { method: 'get', path, access: 'environment', handle: (request) => list(deps, request) },
    { method: 'post', path, access: 'environment', handle: (request) => create(deps, request) },
  ];
}

function list({ store, organizations }: Deps, { params, query }: Request): Reply {
  const organization = organizations.get(params['organizationId']!);
  const selection = { table: 'api_keys', where: 'organization_id = ? and user_id is null', values: [organization.id] };
  const page = selectPage<ApiKeyRow>(store, selection, readPageQuery(query));
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toApiKey(row)),
      page,
    ),
  };
}

function create({ store, apiKeys, organizations, clock, switches }: Deps, { params, body }: Request): Reply {
  const organization = organizations.get(params['organizationId']!);
  const { name, permissions, expires_at: expiresAt } = parse(ApiKeyFields, body);
  assertFuture(clock, expiresAt);
  assertName(switches, name);
  assertAllowed({ store, switches }, 'organization', permissions);
  const { row, value } = apiKeys.insert({
    organizationId: organization.id,
    userId: null,
    name,
    permissions,
    expiresAt: expiresAt ?? null,
  });
  return { status: 201, body: { ...toApiKey(row), value } };
}
