import { viewPage } from '../../http/pagination.ts';
import { tenantRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import type { ChangePolicies } from './change-policies.ts';
import { policyNotFound } from './change-policies.ts';
import type { DeletePolicy } from './delete-policy.ts';
import type { PolicyRepository } from './policy-repository.ts';
import {
  CiPolicy,
  CiPolicyList,
  Deleted,
  DeletePolicyQuery,
  ListPoliciesQuery,
  PolicyParams,
  readSettings,
} from './policy-schemas.ts';
import type { PolicySchemas, viewPolicy } from './policy-schemas.ts';
import type { Policy, PolicySettings } from './policy.ts';

type Deps = {
  schemas: PolicySchemas;
  policies: Pick<PolicyRepository, 'find' | 'list'>;
  changePolicies: ChangePolicies;
  deletePolicy: DeletePolicy;
  /** Shows policies of one organization. */
  view: (organizationId: string, policies: readonly Policy[]) => Promise<ReturnType<typeof viewPolicy>[]>;
};

const TAG = 'CI';
const PATH = '/v1/ci/policies';
const ONE_PATH = '/v1/ci/policies/{id}';
const MAY_READ = ['apikeys:read', 'apikeys:write'];
const MAY_WRITE = ['apikeys:write'];
// An API key never gives keys to others, whatever its scopes.
const PEOPLE_AND_MACHINES = ['user', 'machine'] as const;

/** The routes by which an organization decides whose CI jobs may have keys. */
export function policyRoutes(deps: Deps): Route[] {
  return [createRoute(deps), listRoute(deps), getRoute(deps), updateRoute(deps), deleteRoute(deps)];
}

function createRoute({ schemas, changePolicies, view }: Deps): Route {
  return tenantRoute({
    operationId: 'createCiPolicy',
    method: 'post',
    path: PATH,
    tag: TAG,
    summary: 'Create a CI policy',
    description:
      'Lets CI jobs whose tokens fulfil all conditions exchange them for keys. An immutable id of the repository or project is required among the conditions.',
    scope: MAY_WRITE,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    body: schemas.CreateBody,
    responses: { 201: CiPolicy },
    errors: [],
    handle: async ({ caller, body, context }) =>
      viewOne(view, await changePolicies.create(caller, readSettings(body) as PolicySettings, context)),
  });
}

function listRoute({ policies, view }: Deps): Route {
  return tenantRoute({
    operationId: 'listCiPolicies',
    method: 'get',
    path: PATH,
    tag: TAG,
    summary: "List the organization's CI policies, newest first",
    scope: MAY_READ,
    billing: 'read',
    query: ListPoliciesQuery,
    responses: { 200: CiPolicyList },
    errors: [],
    async handle({ caller, query }) {
      const page = await policies.list(caller.organizationId, query);
      return viewPage({ ...page, data: await view(caller.organizationId, page.data) }, (shown) => shown);
    },
  });
}

function getRoute({ policies, view }: Deps): Route {
  return tenantRoute({
    operationId: 'getCiPolicy',
    method: 'get',
    path: ONE_PATH,
    tag: TAG,
    summary: 'Get a CI policy',
    scope: MAY_READ,
    billing: 'read',
    params: PolicyParams,
    responses: { 200: CiPolicy },
    errors: ['ci_policy_not_found'],
    async handle({ caller, params }) {
      const policy = await policies.find(caller.organizationId, params.id);
      if (!policy) throw policyNotFound();
      return viewOne(view, policy);
    },
  });
}

function updateRoute({ schemas, changePolicies, view }: Deps): Route {
  return tenantRoute({
    operationId: 'updateCiPolicy',
    method: 'patch',
    path: ONE_PATH,
    tag: TAG,
    summary: 'Change a CI policy',
    description:
      'Changes the fields that the body names; `when` is replaced as a whole. Keys that it gave stay as they are.',
    scope: MAY_WRITE,
    callers: PEOPLE_AND_MACHINES,
    billing: 'create',
    params: PolicyParams,
    body: schemas.UpdateBody,
    responses: { 200: CiPolicy },
    errors: ['ci_policy_not_found'],
    handle: async ({ caller, params, body, context }) =>
      viewOne(view, await changePolicies.update(caller, params.id, readSettings(body), context)),
  });
}

async function viewOne(view: Deps['view'], policy: Policy) {
  return (await view(policy.organizationId, [policy]))[0]!;
}

function deleteRoute({ deletePolicy }: Deps): Route {
  return tenantRoute({
    operationId: 'deleteCiPolicy',
    method: 'delete',
    path: ONE_PATH,
    tag: TAG,
    summary: 'Delete a CI policy',
    description:
      'No token is exchanged under it from this answer on, and its CI sessions end. Keys that it gave live until their expiry, unless `revoke_keys` is true.',
    scope: MAY_WRITE,
    callers: PEOPLE_AND_MACHINES,
    billing: 'wind_down',
    params: PolicyParams,
    query: DeletePolicyQuery,
    responses: { 200: Deleted },
    errors: ['ci_policy_not_found'],
    async handle({ caller, params, query, context }) {
      const revoked = await deletePolicy(caller, params.id, query.revoke_keys, context);
      return { status: 'deleted' as const, revoked_keys: revoked };
    },
  });
}
