import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { normalizeRanges } from '../ip/ip-range.ts';
import { viewPage } from '../http/pagination.ts';
import type { TenantCaller } from '../http/caller.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { RunOnce } from '../idempotency/run-once.ts';
import type { makeCreateKey } from './create-key.ts';
import type { makeFindKey } from './find-key.ts';
import { onlyOwn, ownOf, ownerFor, reachOf } from './key-access.ts';
import type { keyScopes } from './key-access.ts';
import type { KeyFilter } from './rows/key-repository.ts';
import type { Key } from './key.ts';
import type { KeyRepository } from './rows/key-repository.ts';
import { readExpiry } from './key-expiry.ts';
import { ApiKey, ApiKeyList, CreatedApiKey, Revoked, readRateLimit } from './key-schemas.ts';
import type { KeySchemas, ViewKey } from './key-schemas.ts';
import type { ProvisionedKey } from './provision-key.ts';
import type { makeRevokeKey } from './revoke-key.ts';
import type { makeRotateKey } from './rotate-key.ts';
import type { makeUpdateKey } from './update-key.ts';

type Deps = {
  schemas: KeySchemas;
  createKey: ReturnType<typeof makeCreateKey>;
  rotateKey: ReturnType<typeof makeRotateKey>;
  runOnce: RunOnce;
  findKey: ReturnType<typeof makeFindKey>;
  listKeys: KeyRepository['list'];
  updateKey: ReturnType<typeof makeUpdateKey>;
  revokeKey: ReturnType<typeof makeRevokeKey>;
  /** When keys were last used; those that never were are not in it. */
  lastUsesOf: (organizationId: string, ids: readonly string[]) => Promise<ReadonlyMap<string, { usedAt: Date }>>;
  /** What people may do in an organization, of whom something is known. */
  permissionsOf: (
    organizationId: string,
    userIds: readonly string[],
  ) => Promise<ReadonlyMap<string, readonly string[]>>;
  /** The scopes that are asked for. */
  scopes: ReturnType<typeof keyScopes>;
  viewKey: ViewKey;
  clock: Clock;
};

const TAG = 'API keys';
// A key never makes, changes or revokes keys, whatever its scopes say.
const PEOPLE_AND_MACHINES = ['user', 'machine'] as const;

export function keyRoutes(deps: Deps): Route[] {
  return [createRoute(deps), listRoute(deps), getRoute(deps), updateRoute(deps), revokeRoute(deps), rotateRoute(deps)];
}

function createRoute({ schemas, scopes, createKey, runOnce, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'createApiKey',
    method: 'post',
    path: '/v1/api-keys',
    tag: TAG,
    summary: 'Create an API key',
    description:
      'Provisions a key through WorkOS, of the organization or of the person who asks, and mirrors its metadata. `value` is the full secret, returned exactly once.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    impersonated: 'create',
    body: schemas.CreateKeyBody,
    responses: { 201: CreatedApiKey },
    idempotent: true,
    errors: ['key_limit_reached', 'workos_rejected', 'workos_unavailable'],
    async handle({ caller, body, context }) {
      if (body.organization_id !== undefined && body.organization_id !== caller.organizationId) {
        throw new AppError('permission_denied', 'The credential belongs to another organization.');
      }
      const { label, description, permission_set: permissionSet, scopes: chosenScopes, metadata = {} } = body;
      const what = { permissionSet, chosenScopes, end: readExpiry(body, deps.clock()) };
      const rateLimit = body.rate_limit ? readRateLimit(body.rate_limit) : undefined;
      const concurrency = body.concurrency ?? undefined;
      const limits = { rateLimit, concurrency, ipAllowList: normalizeRanges(body.ip_allow_list ?? []) };
      const owner = { environment: body.environment, ownerUserId: ownerFor(caller, body) };
      const input = { ...owner, ...what, label, description, metadata, ...limits };
      return runOnce(
        { caller, context, route: 'createApiKey', sent: body },
        {
          view: (made: ProvisionedKey) => viewCreated(deps, caller, made),
          renew: (kept) => renewCreated(deps, caller, kept),
          run: (repeatable) => createKey(caller, input, context, repeatable),
        },
      );
    },
  });
}

function listRoute({ schemas, scopes, listKeys, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'listApiKeys',
    method: 'get',
    path: '/v1/api-keys',
    tag: TAG,
    summary: "List the organization's API keys, newest first",
    scope: scopes.mayRead,
    billing: 'read',
    query: schemas.ListKeysQuery,
    responses: { 200: ApiKeyList },
    errors: [],
    async handle({ caller, query }) {
      const { status, permission_set: permissionSet, expires_before: before, owner, environment, q, ...page } = query;
      const now = deps.clock();
      const expiresBefore = before === undefined ? undefined : new Date(before);
      const filter = { status, permissionSet, expiresBefore, owner: readOwner(caller, owner), environment, q };
      const keys = await listKeys(caller.organizationId, filter, page, now);
      return viewPage(keys, await viewerOf(deps, caller.organizationId, keys.data));
    },
  });
}

function getRoute({ schemas, scopes, findKey, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'getApiKey',
    method: 'get',
    path: '/v1/api-keys/{id}',
    tag: TAG,
    summary: 'Get an API key',
    scope: scopes.mayRead,
    billing: 'read',
    params: schemas.KeyParams,
    responses: { 200: ApiKey },
    errors: ['api_key_not_found'],
    handle: async ({ caller, params }) =>
      viewUsed(deps, await findKey(caller.organizationId, params.id, reachOf(caller, 'read'))),
  });
}

function updateRoute({ schemas, scopes, updateKey, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'updateApiKey',
    method: 'patch',
    path: '/v1/api-keys/{id}',
    tag: TAG,
    summary: 'Change label, description, metadata, limits, allowed addresses or the end of an API key',
    description:
      'What the key may do never changes. Its end may be moved in, and out where the configuration allows it; an expired key stays so.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    impersonated: 'update',
    params: schemas.KeyParams,
    body: schemas.UpdateKeyBody,
    responses: { 200: ApiKey },
    errors: ['api_key_not_found'],
    async handle({ caller, params, body, context }) {
      const { rate_limit: rate, ip_allow_list: ranges, expires_at: _at, expires_in: _in, ...rest } = body;
      const change = {
        end: readExpiry(body, deps.clock()),
        ...rest,
        ...(rate !== undefined && { rateLimit: rate && readRateLimit(rate) }),
        ...(ranges !== undefined && { ipAllowList: normalizeRanges(ranges ?? []) }),
      };
      return viewUsed(deps, await updateKey(caller, params.id, change, context));
    },
  });
}

function revokeRoute({ schemas, scopes, revokeKey }: Deps): Route {
  return tenantRoute({
    operationId: 'revokeApiKey',
    method: 'delete',
    path: '/v1/api-keys/{id}',
    tag: TAG,
    summary: 'Revoke an API key',
    description:
      'The secret is refused from the moment of this answer. Works in every billing posture; revoking again is the same answer.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'wind_down',
    params: schemas.KeyParams,
    responses: { 200: Revoked },
    errors: ['api_key_not_found'],
    async handle({ caller, params, context }) {
      await revokeKey(caller, params.id, context);
      return { status: 'revoked' as const };
    },
  });
}

function rotateRoute({ schemas, scopes, rotateKey, runOnce, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'rotateApiKey',
    method: 'post',
    path: '/v1/api-keys/{id}/rotate',
    tag: TAG,
    summary: 'Replace an API key by a new one',
    description:
      'The new key has the same template, label and metadata, and takes no place of the quota. The old one ends after the grace, and never before the new one works. A personal key is replaced by its owner alone.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    impersonated: 'rotate',
    params: schemas.KeyParams,
    body: schemas.RotateKeyBody,
    responses: { 201: CreatedApiKey },
    idempotent: true,
    errors: ['api_key_not_found', 'workos_rejected', 'workos_unavailable'],
    handle: ({ caller, params: { id }, body, context }) =>
      runOnce(
        { caller, context, route: 'rotateApiKey', sent: { id, ...body } },
        {
          view: (made: ProvisionedKey) => viewCreated(deps, caller, made),
          renew: (kept) => renewCreated(deps, caller, kept),
          run: (repeatable) => rotateKey(caller, id, body.grace_seconds, context, repeatable),
        },
      ),
  });
}

type Viewing = Pick<Deps, 'lastUsesOf' | 'permissionsOf' | 'viewKey' | 'clock'>;

/** Reads at once what keys of an organization are shown with. */
async function viewerOf(deps: Viewing, organizationId: string, keys: readonly Key[]) {
  const { lastUsesOf, permissionsOf, viewKey, clock } = deps;
  const ids = keys.map(({ id }) => id);
  const owners = keys.flatMap(({ ownerUserId }) => ownerUserId ?? []);
  const [lastUses, held] = await Promise.all([lastUsesOf(organizationId, ids), permissionsOf(organizationId, owners)]);
  const now = clock();
  return (key: Key) =>
    viewKey(key, {
      now,
      lastUsedAt: lastUses.get(key.id)?.usedAt,
      ownerHolds: key.ownerUserId === undefined ? undefined : held.get(key.ownerUserId),
    });
}

async function viewUsed(deps: Viewing, key: Key) {
  return (await viewerOf(deps, key.organizationId, [key]))(key);
}

// Whoever made a personal key is its owner.
function viewCreated({ viewKey, clock }: Viewing, caller: TenantCaller, { key, value }: ProvisionedKey) {
  return { ...viewKey(key, { now: clock(), ownerHolds: [...caller.scopes] }), value };
}

/** What was answered then, with what keys have had since. */
async function renewCreated(
  deps: Viewing & Pick<Deps, 'findKey'>,
  caller: TenantCaller,
  kept: ReturnType<typeof viewCreated>,
): Promise<ReturnType<typeof viewCreated>> {
  const key = await deps.findKey(caller.organizationId, kept.id);
  return { ...viewCreated(deps, caller, { key, value: kept.value }), ...kept };
}

/** What a list shows of what its caller reaches; nothing, where the two have nothing in common. */
function readOwner(caller: TenantCaller, asked: 'organization' | 'user' | 'me' | undefined): KeyFilter['owner'] {
  if (asked === 'me') return ownOf(caller);
  const reach = reachOf(caller, 'read');
  if (reach && asked === 'organization') throw onlyOwn();
  return reach ?? asked;
}
