import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { listOf, pageQuery, viewPage } from '../http/pagination.ts';
import { serviceRoute, tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { text } from '../http/text.ts';
import { time } from '../http/time.ts';
import { ORGANIZATION_ID } from '../ids.ts';
import { BilledOrganization, Organization } from './organization-view.ts';
import type { ViewOrganizations } from './organization-view.ts';
import { BILLING_STATUSES, POSTURES } from './posture.ts';
import type { Tenant } from './posture.ts';
import type { TenantReader } from './tenant-reader.ts';
import type { TenantRepository } from './tenant-repository.ts';

type Deps = {
  tenants: Pick<TenantRepository, 'find'>;
  listTenants: TenantReader['list'];
  viewOrganizations: ViewOrganizations;
  planNames: [string, ...string[]];
  clock: Clock;
};

const TAG = 'Organization';
const MAY_READ = ['billing:read', 'billing:write'];

const OrganizationList = listOf(BilledOrganization).meta({ id: 'BilledOrganizationList' });

/** The routes that read organizations: callers their own, services every one. */
export function organizationRoutes(deps: Deps): Route[] {
  return [ownRoute(deps), getRoute(deps), listRoute(deps)];
}

function ownRoute({ tenants, viewOrganizations, clock }: Deps): Route {
  return tenantRoute({
    operationId: 'getOrganization',
    method: 'get',
    path: '/v1/organization',
    tag: TAG,
    summary: "Get the caller's organization: its posture, plan, limits and usage",
    scope: [],
    billing: 'read',
    responses: { 200: Organization },
    errors: [],
    async handle({ caller: { organizationId } }) {
      const tenant = (await tenants.find(organizationId)) ?? unknownTenant(organizationId, clock());
      const [view] = await viewOrganizations([tenant]);
      return view!;
    },
  });
}

function getRoute({ tenants, viewOrganizations }: Deps): Route {
  return serviceRoute({
    operationId: 'getBilledOrganization',
    method: 'get',
    path: '/v1/organizations/{id}',
    tag: TAG,
    summary: 'Get an organization with its billing',
    scope: MAY_READ,
    params: z.object({ id: z.string().max(1024).describe("WorkOS's id of the organization.") }),
    responses: { 200: BilledOrganization },
    errors: ['organization_not_found'],
    async handle({ params: { id } }) {
      const tenant = ORGANIZATION_ID.test(id) ? await tenants.find(id) : undefined;
      if (!tenant)
        throw new AppError(
          'organization_not_found',
          'There is no organization with this id. Latchkey knows it once WorkOS, billing or a key has named it.',
        );
      const [view] = await viewOrganizations([tenant]);
      return view!;
    },
  });
}

function listRoute({ listTenants, viewOrganizations, planNames, clock }: Deps): Route {
  return serviceRoute({
    operationId: 'listOrganizations',
    method: 'get',
    path: '/v1/organizations',
    tag: TAG,
    summary: 'List organizations with their billing, newest first',
    scope: MAY_READ,
    query: querySchema(planNames),
    responses: { 200: OrganizationList },
    errors: [],
    async handle({ query: { trial_ends_before: end, posture, status, plan, q, ...page } }) {
      const filter = { posture, status, plan, q, trialEndsBefore: end === undefined ? undefined : new Date(end) };
      const tenants = await listTenants(filter, page, clock());
      const views = await viewOrganizations(tenants.data);
      return viewPage({ ...tenants, data: views }, (view) => view);
    },
  });
}

function querySchema(planNames: [string, ...string[]]) {
  return z.strictObject({
    ...pageQuery,
    posture: z.enum(POSTURES).optional().describe('The posture at this moment.'),
    status: z.enum(BILLING_STATUSES).optional().describe('The status that billing stated last.'),
    plan: z.enum(planNames).optional(),
    trial_ends_before: time('Give a time in ISO 8601.')
      .optional()
      .describe('Organizations in trial whose trial ends, or has ended, before this time.'),
    q: text({ min: 1, max: 100 }).optional().describe('Part of the name, in any case, or the id.'),
  });
}

function unknownTenant(organizationId: string, now: Date): Tenant {
  return {
    organizationId,
    name: undefined,
    status: undefined,
    statusSince: undefined,
    trialEndsAt: undefined,
    deletedAt: undefined,
    plan: undefined,
    keyLimit: undefined,
    planOccurredAt: undefined,
    keyLimitOccurredAt: undefined,
    billingOccurredAt: undefined,
    billingReason: undefined,
    decommissionAt: undefined,
    decommissionedAt: undefined,
    createdAt: now,
  };
}
