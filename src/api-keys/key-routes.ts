import { viewPage } from '../http/pagination.ts';
import type { ActingCaller } from '../http/caller.ts';
import { tenantOrCiRoute, tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { RunOnce } from '../idempotency/run-once.ts';
import type { CreateKey } from './create-key.ts';
import type { makeFindKey } from './find-key.ts';
import type { makeJudgeKey } from './judge-key.ts';
import { readNewKey, viewJudged } from './new-key.ts';
import { reachOf } from './rules/key-access.ts';
import type { keyScopes } from './rules/key-access.ts';
import { readFilter } from './rules/list-filter.ts';
import type { KeyList } from './rows/key-list.ts';
import { readExpiry } from './rules/key-expiry.ts';
import { ApiKey, ApiKeyList, CreatedApiKey, JudgedApiKey, Revoked } from './key-schemas.ts';
import type { KeySchemas } from './key-schemas.ts';
import { readSettings } from './key-settings.ts';
import type { ProvisionedKey } from './provision-key.ts';
import type { makeRevokeKey } from './revoke-key.ts';
import type { makeRotateKey } from './rotate-key.ts';
import type { makeUpdateKey } from './update-key.ts';
import { viewUsed, viewerOf } from './view-used.ts';
import type { Viewing } from './view-used.ts';

type Deps = Viewing & {
  schemas: KeySchemas;
  createKey: CreateKey;
  judgeKey: ReturnType<typeof makeJudgeKey>;
  rotateKey: ReturnType<typeof makeRotateKey>;
  runOnce: RunOnce;
  findKey: ReturnType<typeof makeFindKey>;
  keys: KeyList;
  updateKey: ReturnType<typeof makeUpdateKey>;
  revokeKey: ReturnType<typeof makeRevokeKey>;
  /** Those that the routes require. */
  scopes: ReturnType<typeof keyScopes>;
};

const TAG = 'API keys';
// An API key never creates, changes or revokes keys, whatever its scopes.
const PEOPLE_AND_MACHINES = ['user', 'machine'] as const;

export function keyRoutes(deps: Deps): Route[] {
  return [
    createRoute(deps),
    dryRunRoute(deps),
    listRoute(deps),
    getRoute(deps),
    updateRoute(deps),
    revokeRoute(deps),
    rotateRoute(deps),
  ];
}

function createRoute({ schemas, scopes, createKey, runOnce, ...deps }: Deps): Route {
  return tenantOrCiRoute({
    operationId: 'createApiKey',
    method: 'post',
    path: '/v1/api-keys',
    tag: TAG,
    summary: 'Create an API key',
    description:
      'Creates a key of the organization, or a personal key of the caller, through WorkOS. `value` is the full secret; no other answer has it. A CI session creates what its CI policy allows.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    impersonated: 'create',
    body: schemas.CreateKeyBody,
    responses: { 201: CreatedApiKey },
    idempotent: true,
    errors: ['key_limit_reached', 'workos_rejected', 'workos_unavailable'],
    async handle({ caller, body, context }) {
      const input = readNewKey(caller, body, deps.clock());
      return runOnce(
        { caller, context, route: 'createApiKey', sent: body },
        {
          view: (made: ProvisionedKey) => viewCreated(deps, caller, made),
          renew: (stored) => renewCreated(deps, caller, stored),
          run: (repeatable) => createKey(caller, input, context, repeatable),
        },
      );
    },
  });
}

function dryRunRoute({ schemas, scopes, judgeKey, clock }: Deps): Route {
  return tenantRoute({
    operationId: 'judgeApiKey',
    method: 'post',
    path: '/v1/api-keys/dry-run',
    tag: TAG,
    summary: 'Judge the creation of an API key, and create nothing',
    description:
      'Takes the same body as the creation and refuses it for the same reasons: billing, limits, permission set, scopes, owner and expiry. WorkOS is not asked, and no place is kept.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    impersonated: 'create',
    body: schemas.CreateKeyBody,
    responses: { 200: JudgedApiKey },
    errors: ['key_limit_reached'],
    handle: async ({ caller, body }) => viewJudged(caller, await judgeKey(caller, readNewKey(caller, body, clock()))),
  });
}

function listRoute({ schemas, scopes, keys, ...deps }: Deps): Route {
  return tenantOrCiRoute({
    operationId: 'listApiKeys',
    method: 'get',
    path: '/v1/api-keys',
    tag: TAG,
    summary: "List the organization's API keys, newest first unless sorted",
    scope: scopes.mayRead,
    billing: 'read',
    query: schemas.ListKeysQuery,
    responses: { 200: ApiKeyList },
    errors: [],
    async handle({ caller, query }) {
      const { organizationId } = caller;
      const { limit, after, before, sort, count, ...filters } = query;
      const filter = readFilter(caller, filters);
      const now = deps.clock();
      const [page, total] = await Promise.all([
        keys.list(organizationId, filter, { limit, after, before, sort }, now),
        count ? keys.count(organizationId, filter, now) : undefined,
      ]);
      const { data, list_metadata } = viewPage(page, await viewerOf(deps, organizationId, page.data));
      return { data, list_metadata: count ? { ...list_metadata, total: total ?? null } : list_metadata };
    },
  });
}

function getRoute({ schemas, scopes, findKey, ...deps }: Deps): Route {
  return tenantOrCiRoute({
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
    summary: 'Change the settings or the expiry of an API key',
    description:
      'Changes the fields that the body names. The scopes of a key never change. Its expiry can be moved earlier, or later where the product is configured so; an expired key stays expired.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    impersonated: 'update',
    params: schemas.KeyParams,
    body: schemas.UpdateKeyBody,
    responses: { 200: ApiKey },
    errors: ['api_key_not_found'],
    async handle({ caller, params, body, context }) {
      const change = { settings: readSettings(body), expiry: readExpiry(body, deps.clock()) };
      return viewUsed(deps, await updateKey(caller, params.id, change, context));
    },
  });
}

function revokeRoute({ schemas, scopes, revokeKey }: Deps): Route {
  return tenantOrCiRoute({
    operationId: 'revokeApiKey',
    method: 'delete',
    path: '/v1/api-keys/{id}',
    tag: TAG,
    summary: 'Revoke an API key',
    description:
      'The key is refused from this answer on. Works in every billing posture; revoking again gives the same answer.',
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
      'The new key has the same scopes, settings and owner; only the secret differs. The old key stops after `grace_seconds`, never before the new one works. The quota counts the two as one key. Only its owner can rotate a personal key.',
    scope: scopes.mayWrite,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    impersonated: 'rotate',
    params: schemas.KeyParams,
    body: schemas.RotateKeyBody,
    responses: { 201: CreatedApiKey },
    idempotent: true,
    errors: ['api_key_not_found', 'api_key_suspended', 'workos_rejected', 'workos_unavailable'],
    handle: ({ caller, params: { id }, body, context }) =>
      runOnce(
        { caller, context, route: 'rotateApiKey', sent: { id, ...body } },
        {
          view: (made: ProvisionedKey) => viewCreated(deps, caller, made),
          renew: (stored) => renewCreated(deps, caller, stored),
          run: (repeatable) => rotateKey(caller, id, body.grace_seconds, context, repeatable),
        },
      ),
  });
}

// The caller who created a personal key is its owner, and holds what the session says.
export function viewCreated({ viewKey, clock }: Viewing, caller: ActingCaller, { key, value }: ProvisionedKey) {
  return { ...viewKey(key, { now: clock(), ownerHolds: [...caller.scopes] }), value };
}

/** Returns a stored answer with the fields that keys have gained since. */
export async function renewCreated(
  deps: Viewing & Pick<Deps, 'findKey'>,
  caller: ActingCaller,
  stored: ReturnType<typeof viewCreated>,
): Promise<ReturnType<typeof viewCreated>> {
  const key = await deps.findKey(caller.organizationId, stored.id);
  const now = viewCreated(deps, caller, { key, value: stored.value });
  return { ...now, ...stored, created_by: { ...now.created_by, ...stored.created_by } };
}
