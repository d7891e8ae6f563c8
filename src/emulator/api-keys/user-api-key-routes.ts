import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { HttpError } from '../http/http-error.ts';
import { listBody, readPageQuery, selectPage } from '../http/page.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import { findActiveMembership } from '../people/membership-store.ts';
import { getUser } from '../people/user-store.ts';
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

const UserApiKeyFields = ApiKeyFields.extend({ organization_id: z.string().min(1) });

export function userApiKeyRoutes(deps: Deps): Route[] {
  const path = '/user_management/users/:userId/api_keys';
  return [
    { method: 'get', path, access: 'environment', handle: (request) => list(deps, request) },
    { method: 'post', path, access: 'environment', handle: (request) => create(deps, request) },
  ];
}

function list({ store }: Deps, { params, query }: Request): Reply {
  const user = getUser(store, params['userId']!);
  const organizationId = query.get('organization_id');
  const selection = {
    table: 'api_keys',
    where: 'user_id = ?1 and (?2 is null or organization_id = ?2)',
    values: [user.id, organizationId],
  };
  const page = selectPage<ApiKeyRow>(store, selection, readPageQuery(query));
  return {
    status: 200,
    body: listBody(
      page.rows.map((row) => toApiKey(row)),
      page,
    ),
  };
}

/** Answers malformed fields with 400, and permissions that cannot be granted with 422, as the contract says. */
function create({ store, apiKeys, organizations, clock, switches }: Deps, { params, body }: Request): Reply {
  const user = getUser(store, params['userId']!);
  const { name, permissions, expires_at: expiresAt, organization_id: id } = parse(UserApiKeyFields, body, 400);
  const organization = organizations.get(id);
  if (!findActiveMembership(store, user.id, organization.id)) {
    throw new HttpError(422, {
      message: `User '${user.id}' has no active membership in organization '${organization.id}'.`,
    });
  }
  assertFuture(clock, expiresAt);
  assertName(switches, name);
  assertAllowed({ store, switches }, 'user', permissions);
  const { row, value } = apiKeys.insert({
    organizationId: organization.id,
    userId: user.id,
    name,
    permissions,
    expiresAt: expiresAt ?? null,
  });
  return { status: 201, body: { ...toApiKey(row), value } };
}
