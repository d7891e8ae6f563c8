import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { serviceRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../ids.ts';
import { BilledOrganization } from '../tenants/organization-view.ts';
import type { ViewOrganizations } from '../tenants/organization-view.ts';
import type { makeSetBilling } from './set-billing.ts';
import { assertHappened, statementOf, statementSchema } from './statement-schema.ts';

type Deps = {
  setBilling: ReturnType<typeof makeSetBilling>;
  viewOrganizations: ViewOrganizations;
  planNames: [string, ...string[]];
  clock: Clock;
};

export function setBillingRoute({ setBilling, viewOrganizations, planNames, clock }: Deps): Route {
  return serviceRoute({
    operationId: 'setOrganizationBilling',
    method: 'put',
    path: '/v1/organizations/{id}/billing',
    tag: 'Organization',
    summary: 'Set the billing of an organization',
    description:
      'Creates the tenant if there is none. The statement that happened last counts, separately for status, plan and limit; the answer shows the result.',
    scope: ['billing:write'],
    params: z.object({ id: z.string().max(1024).describe("WorkOS's id of the organization.") }),
    body: statementSchema(planNames),
    responses: { 200: BilledOrganization },
    errors: ['organization_not_found'],
    async handle({ caller, params, body, context }) {
      if (!ORGANIZATION_ID.test(params.id)) {
        throw new AppError('organization_not_found', NO_ORGANIZATION_ID);
      }
      const statement = statementOf(params.id, body, clock());
      assertHappened(statement.occurredAt, 'occurred_at', clock());
      const tenant = await setBilling(caller, statement, context);
      const [view] = await viewOrganizations([tenant]);
      return view!;
    },
  });
}
