import { z } from 'zod';
import type { CreateKey } from '../api-keys/create-key.ts';
import type { makeFindKey } from '../api-keys/find-key.ts';
import { renewCreated, viewCreated } from '../api-keys/key-routes.ts';
import { ApiKeyList, CreatedApiKey, Revoked } from '../api-keys/key-schemas.ts';
import type { KeySchemas } from '../api-keys/key-schemas.ts';
import { readNewKey } from '../api-keys/new-key.ts';
import type { ProvisionedKey } from '../api-keys/provision-key.ts';
import type { makeRevokeKey } from '../api-keys/revoke-key.ts';
import type { KeyList } from '../api-keys/rows/key-list.ts';
import { readFilter } from '../api-keys/rules/list-filter.ts';
import { viewerOf } from '../api-keys/view-used.ts';
import type { Viewing } from '../api-keys/view-used.ts';
import { AppError } from '../errors.ts';
import type { StaffCaller } from '../http/caller.ts';
import { viewPage } from '../http/pagination.ts';
import { serviceRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { RunOnce } from '../idempotency/run-once.ts';
import { ActingStaff, STAFF_ERRORS, organizationParam } from './admit-staff.ts';
import type { AdmitStaff } from './admit-staff.ts';

type Deps = Viewing & {
  admitStaff: AdmitStaff;
  schemas: Pick<KeySchemas, 'CreateKeyBody' | 'ListKeysQuery' | 'KeyParams'>;
  createKey: CreateKey<StaffCaller>;
  revokeKey: ReturnType<typeof makeRevokeKey>;
  findKey: ReturnType<typeof makeFindKey>;
  keys: Pick<KeyList, 'list'>;
  runOnce: RunOnce;
};

const PATH = '/v1/organizations/{id}/api-keys';
const ACCESS = { tag: 'Staff', scope: ['staff:keys'] } as const;
const Organization = z.object(organizationParam);

/** Create, list and revoke keys of an organization for it, within the permission sets that are for staff. */
export function staffKeyRoutes(deps: Deps): Route[] {
  return [createRoute(deps), listRoute(deps), revokeRoute(deps)];
}

function createRoute({ admitStaff, schemas, createKey, runOnce, ...deps }: Deps): Route {
  return serviceRoute({
    ...ACCESS,
    operationId: 'createApiKeyOf',
    method: 'post',
    path: PATH,
    summary: 'Create an API key of an organization, as staff',
    description:
      'Creates a key that the organization owns, from a permission set with `staff: true`. Billing, quota and plan judge it as a creation by the organization itself, whose audit log names the staff.',
    params: Organization,
    query: ActingStaff,
    body: schemas.CreateKeyBody,
    responses: { 201: CreatedApiKey },
    idempotent: true,
    errors: [...STAFF_ERRORS, 'key_limit_reached', 'workos_rejected', 'workos_unavailable'],
    async handle({ caller, params: { id }, query, body, context }) {
      const staff = await admitStaff(caller, { organizationId: id, staffId: query.staff_id }, 'create');
      assertForStaff(staff, body.permission_set);
      const input = readNewKey(staff, body, deps.clock());
      return runOnce(
        { caller: staff, context, route: 'createApiKeyOf', sent: body },
        {
          view: (made: ProvisionedKey) => viewCreated(deps, staff, made),
          renew: (stored) => renewCreated(deps, staff, stored),
          run: (repeatable) => createKey(staff, input, context, repeatable),
        },
      );
    },
  });
}

function listRoute({ admitStaff, schemas, keys, ...deps }: Deps): Route {
  return serviceRoute({
    ...ACCESS,
    operationId: 'listApiKeysOf',
    method: 'get',
    path: PATH,
    summary: 'List the API keys of an organization that staff may revoke',
    params: Organization,
    query: schemas.ListKeysQuery.omit({ owner: true, count: true }).extend(ActingStaff.shape),
    responses: { 200: ApiKeyList },
    errors: STAFF_ERRORS,
    async handle({ caller, params: { id }, query }) {
      const { limit, after, before, sort, staff_id: staffId, ...filters } = query;
      const staff = await admitStaff(caller, { organizationId: id, staffId }, 'read');
      const filter = readFilter(staff, { ...filters, owner: undefined });
      const page = await keys.list(id, filter, { limit, after, before, sort }, deps.clock());
      return viewPage(page, await viewerOf(deps, id, page.data));
    },
  });
}

function revokeRoute({ admitStaff, schemas, revokeKey }: Deps): Route {
  return serviceRoute({
    ...ACCESS,
    operationId: 'revokeApiKeyOf',
    method: 'delete',
    path: `${PATH}/{key_id}`,
    summary: 'Revoke an API key of an organization, as staff',
    description: 'Only a key that the organization owns, of a permission set with `staff: true`; others are not found.',
    params: Organization.extend({ key_id: schemas.KeyParams.shape.id }),
    query: ActingStaff,
    responses: { 200: Revoked },
    errors: [...STAFF_ERRORS, 'api_key_not_found'],
    async handle({ caller, params: { id, key_id: keyId }, query, context }) {
      const staff = await admitStaff(caller, { organizationId: id, staffId: query.staff_id }, 'wind_down');
      await revokeKey(staff, keyId, context);
      return { status: 'revoked' as const };
    },
  });
}

/** @throws AppError `permission_denied` with `details.allowed` for chosen scopes, and for a set that is not for staff */
function assertForStaff({ permissionSets }: StaffCaller, permissionSet: string | undefined): void {
  if (permissionSet !== undefined && permissionSets.includes(permissionSet)) return;
  throw new AppError('permission_denied', 'Staff may create keys of some permission sets only.', {
    details: { allowed: { permission_sets: permissionSets } },
  });
}
