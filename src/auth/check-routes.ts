import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { TenantCaller } from '../http/caller.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { invalidFields } from '../http/validate.ts';

type Deps = {
  /** Whether the organization has a tenant here that WorkOS has not deleted. */
  isOrganizationKnown: (organizationId: string) => Promise<boolean>;
  scopeNames: ReadonlySet<string>;
};

const MAX_SCOPES = 100;

const Body = z
  .strictObject({
    scopes: z
      .array(z.string().min(1).max(64))
      .max(MAX_SCOPES)
      .default([])
      .describe('The credential needs all of these scopes. By default it needs none.'),
  })
  .prefault({})
  .meta({ id: 'CheckCredential' });

const Checked = z.object({ valid: z.literal(true), organization_id: z.string() }).meta({ id: 'CheckedCredential' });

/** Check the request's own credential: 200, or the error that any other route would return. */
export function checkRoutes(deps: Deps): Route[] {
  const common = {
    method: 'post',
    tag: 'Session',
    scope: [],
    billing: 'read',
    body: Body,
    responses: { 200: Checked },
    errors: ['organization_not_found'],
  } as const;
  return [
    tenantRoute({
      ...common,
      operationId: 'checkApiKey',
      path: '/v1/auth/check-api-key',
      summary: 'Check the API key of this request',
      callers: ['api_key'],
      handle: ({ caller, body }) => check(deps, caller, body.scopes),
    }),
    tenantRoute({
      ...common,
      operationId: 'checkToken',
      path: '/v1/auth/check-token',
      summary: 'Check the access token of this request',
      callers: ['user', 'machine'],
      handle: ({ caller, body }) => check(deps, caller, body.scopes),
    }),
  ];
}

async function check(
  { isOrganizationKnown, scopeNames }: Deps,
  { organizationId, scopes: held }: TenantCaller,
  scopes: readonly string[],
) {
  const unknown = scopes.flatMap((scope, i) => (scopeNames.has(scope) ? [] : [`scopes.${i}`]));
  if (unknown.length > 0)
    throw invalidFields(Object.fromEntries(unknown.map((field) => [field, 'There is no such scope.'])));
  if (!(await isOrganizationKnown(organizationId)))
    throw new AppError('organization_not_found', 'This organization is not known to Latchkey.');
  const missing = scopes.filter((scope) => !held.has(scope));
  if (missing.length > 0) {
    throw new AppError('permission_denied', `The credential lacks the scope ${missing.join(' and ')}.`, {
      details: { required_scopes: scopes },
    });
  }
  return { valid: true as const, organization_id: organizationId };
}
