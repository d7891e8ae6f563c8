import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { normalizeRanges } from '../http/ip-range.ts';
import { viewPage } from '../http/pagination.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { RunOnce } from '../idempotency/run-once.ts';
import type { makeCreateKey } from './create-key.ts';
import type { makeFindKey } from './find-key.ts';
import type { Key } from './key.ts';
import type { KeyRepository } from './key-repository.ts';
import { readEnd } from './key-end.ts';
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
  viewKey: ViewKey;
  clock: Clock;
};

const TAG = 'API keys';
// A key never makes, changes or revokes keys, whatever its scopes say.
const PEOPLE_AND_MACHINES = ['user', 'machine'] as const;
const MAY_READ = ['apikeys:read', 'apikeys:write'];
const MAY_WRITE = ['apikeys:write'];

export function keyRoutes(deps: Deps): Route[] {
  return [createRoute(deps), listRoute(deps), getRoute(deps), updateRoute(deps), revokeRoute(deps), rotateRoute(deps)];
}

function createRoute({ schemas, createKey, runOnce, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'createApiKey',
    method: 'post',
    path: '/v1/api-keys',
    tag: TAG,
    summary: 'Create an API key',
    description:
      'Provisions a key for the organization through WorkOS and mirrors its metadata. `value` is the full secret, returned exactly once.',
    scope: MAY_WRITE,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    body: schemas.CreateKeyBody,
    responses: { 201: CreatedApiKey },
    idempotent: true,
    errors: ['key_limit_reached', 'workos_rejected', 'workos_unavailable'],
    async handle({ caller, body, context }) {
      if (body.organization_id !== undefined && body.organization_id !== caller.organizationId) {
        throw new AppError('permission_denied', 'The credential belongs to another organization.');
      }
      const { label, description, permission_set: permissionSet, scopes: chosenScopes, metadata = {} } = body;
      const what = { permissionSet, chosenScopes, end: readEnd(body, deps.clock()) };
      const rateLimit = body.rate_limit ? readRateLimit(body.rate_limit) : undefined;
      const concurrency = body.concurrency ?? undefined;
      const limits = { rateLimit, concurrency, ipAllowList: normalizeRanges(body.ip_allow_list ?? []) };
      const owner = { environment: 'live' as const, ownerUserId: undefined };
      const input = { ...owner, ...what, label, description, metadata, ...limits };
      return runOnce(
        { caller, context, route: 'createApiKey', sent: body },
        {
          view: (made: ProvisionedKey) => viewCreated(deps, made),
          run: (repeatable) => createKey(caller, input, context, repeatable),
        },
      );
    },
  });
}

function listRoute({ schemas, listKeys, lastUsesOf, viewKey, clock }: Deps): Route {
  return tenantRoute({
    operationId: 'listApiKeys',
    method: 'get',
    path: '/v1/api-keys',
    tag: TAG,
    summary: "List the organization's API keys, newest first",
    scope: MAY_READ,
    billing: 'read',
    query: schemas.ListKeysQuery,
    responses: { 200: ApiKeyList },
    errors: [],
    async handle({ caller, query }) {
      const { status, permission_set: permissionSet, expires_before: before, q, ...page } = query;
      const now = clock();
      const expiresBefore = before === undefined ? undefined : new Date(before);
      const filter = { status, permissionSet, expiresBefore, q };
      const keys = await listKeys(caller.organizationId, filter, page, now);
      const lastUses = await lastUsesOf(
        caller.organizationId,
        keys.data.map(({ id }) => id),
      );
      return viewPage(keys, (key) => viewKey(key, now, lastUses.get(key.id)?.usedAt));
    },
  });
}

function getRoute({ schemas, findKey, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'getApiKey',
    method: 'get',
    path: '/v1/api-keys/{id}',
    tag: TAG,
    summary: 'Get an API key',
    scope: MAY_READ,
    billing: 'read',
    params: schemas.KeyParams,
    responses: { 200: ApiKey },
    errors: ['api_key_not_found'],
    handle: async ({ caller, params }) => viewUsed(deps, await findKey(caller.organizationId, params.id)),
  });
}

function updateRoute({ schemas, updateKey, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'updateApiKey',
    method: 'patch',
    path: '/v1/api-keys/{id}',
    tag: TAG,
    summary: 'Change label, description, metadata, limits, allowed addresses or the end of an API key',
    description:
      'What the key may do never changes. Its end may be moved in, and out where the configuration allows it; an expired key stays so.',
    scope: MAY_WRITE,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    params: schemas.KeyParams,
    body: schemas.UpdateKeyBody,
    responses: { 200: ApiKey },
    errors: ['api_key_not_found'],
    async handle({ caller, params, body, context }) {
      const { rate_limit: rate, ip_allow_list: ranges, expires_at: _at, expires_in: _in, ...rest } = body;
      const change = {
        end: readEnd(body, deps.clock()),
        ...rest,
        ...(rate !== undefined && { rateLimit: rate && readRateLimit(rate) }),
        ...(ranges !== undefined && { ipAllowList: normalizeRanges(ranges ?? []) }),
      };
      return viewUsed(deps, await updateKey(caller, params.id, change, context));
    },
  });
}

function revokeRoute({ schemas, revokeKey }: Deps): Route {
  return tenantRoute({
    operationId: 'revokeApiKey',
    method: 'delete',
    path: '/v1/api-keys/{id}',
    tag: TAG,
    summary: 'Revoke an API key',
    description:
      'The secret is refused from the moment of this answer. Works in every billing posture; revoking again is the same answer.',
    scope: MAY_WRITE,
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

function rotateRoute({ schemas, rotateKey, runOnce, ...deps }: Deps): Route {
  return tenantRoute({
    operationId: 'rotateApiKey',
    method: 'post',
    path: '/v1/api-keys/{id}/rotate',
    tag: TAG,
    summary: 'Replace an API key by a new one',
    description:
      'The new key has the same template, label and metadata, and takes no place of the quota. The old one ends after the grace, and never before the new one works.',
    scope: MAY_WRITE,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    params: schemas.KeyParams,
    body: schemas.RotateKeyBody,
    responses: { 201: CreatedApiKey },
    idempotent: true,
    errors: ['api_key_not_found', 'workos_rejected', 'workos_unavailable'],
    handle: ({ caller, params: { id }, body, context }) =>
      runOnce(
        { caller, context, route: 'rotateApiKey', sent: { id, ...body } },
        {
          view: (made: ProvisionedKey) => viewCreated(deps, made),
          run: (repeatable) => rotateKey(caller, id, body.grace_seconds, context, repeatable),
        },
      ),
  });
}

type Viewing = Pick<Deps, 'lastUsesOf' | 'viewKey' | 'clock'>;

async function viewUsed({ lastUsesOf, viewKey, clock }: Viewing, key: Key) {
  const lastUses = await lastUsesOf(key.organizationId, [key.id]);
  return viewKey(key, clock(), lastUses.get(key.id)?.usedAt);
}

function viewCreated({ viewKey, clock }: Viewing, { key, value }: ProvisionedKey) {
  return { ...viewKey(key, clock()), value };
}
