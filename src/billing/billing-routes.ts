import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { serviceRoute, tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { time } from '../http/time.ts';
import { BILLING_STATUSES, POSTURES, postureOf } from './posture.ts';
import type { Tenant } from './posture.ts';
import type { makeSetBilling } from './set-billing.ts';
import type { TenantRepository } from './tenant-repository.ts';

type Deps = {
  tenants: Pick<TenantRepository, 'find'>;
  setBilling: ReturnType<typeof makeSetBilling>;
  planNames: [string, ...string[]];
  planOf: (name: string | undefined) => { name: string; keyLimit: number };
  countKeys: (organizationId: string) => Promise<number>;
  clock: Clock;
};

const TAG = 'Organization';
// WorkOS's ids are short words; anything else names no organization and never reaches the database.
const ORGANIZATION_ID = /^org_\w{1,60}$/;

const Organization = z
  .object({
    id: z.string(),
    posture: z.enum(POSTURES).describe('What billing allows now; only `active` and `trial` may add.'),
    billing_status: z.enum(BILLING_STATUSES).nullable().describe('What billing said last; null when it never did.'),
    trial_ends_at: z.iso.datetime().nullable(),
    plan: z.string(),
    limits: z.object({ api_keys: z.int() }),
    usage: z.object({ api_keys: z.int().describe('Keys that count towards the limit.') }),
  })
  .meta({ id: 'Organization' });

export function billingRoutes(deps: Deps): Route[] {
  return [organizationRoute(deps), setBillingRoute(deps)];
}

function organizationRoute(deps: Deps): Route {
  return tenantRoute({
    operationId: 'getOrganization',
    method: 'get',
    path: '/v1/organization',
    tag: TAG,
    summary: "Get the caller's organization: posture, plan, limits and use",
    scope: [],
    billing: 'read',
    responses: { 200: Organization },
    errors: [],
    handle: async ({ caller }) => view(deps, caller.organizationId, await deps.tenants.find(caller.organizationId)),
  });
}

function setBillingRoute(deps: Deps): Route {
  return serviceRoute({
    operationId: 'setOrganizationBilling',
    method: 'put',
    path: '/v1/organizations/{id}/billing',
    tag: TAG,
    summary: 'Make a tenant, or change its billing',
    scope: ['billing:write'],
    params: z.object({ id: z.string().max(1024).describe("WorkOS's id of the organization.") }),
    body: bodySchema(deps.planNames),
    responses: { 200: Organization },
    errors: ['organization_not_found'],
    async handle({ caller, params, body, context }) {
      if (!ORGANIZATION_ID.test(params.id)) {
        throw new AppError('organization_not_found', 'This is not the id of a WorkOS organization.');
      }
      const trialEndsAt = body.trial_ends_at ? new Date(body.trial_ends_at) : undefined;
      const change = { organizationId: params.id, status: body.status, trialEndsAt, plan: body.plan };
      return view(deps, params.id, await deps.setBilling(caller, change, context));
    },
  });
}

function bodySchema(planNames: [string, ...string[]]) {
  return z
    .strictObject({
      status: z.enum(BILLING_STATUSES),
      trial_ends_at: time('Give a time in ISO 8601.').nullish(),
      plan: z.enum(planNames).optional().describe('Stays as it was when not given.'),
    })
    .refine(({ status, trial_ends_at }) => status !== 'trial' || trial_ends_at, {
      path: ['trial_ends_at'],
      message: 'A trial needs the time at which it ends.',
    })
    .meta({ id: 'SetBilling' });
}

async function view({ planOf, countKeys, clock }: Deps, id: string, tenant: Tenant | undefined) {
  const plan = planOf(tenant?.plan);
  return {
    id,
    posture: postureOf(tenant, clock()),
    billing_status: tenant?.status ?? null,
    trial_ends_at: tenant?.trialEndsAt?.toISOString() ?? null,
    plan: plan.name,
    limits: { api_keys: plan.keyLimit },
    usage: { api_keys: await countKeys(id) },
  };
}
