import { z } from 'zod';
import { AppError } from '../errors.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { OPERATIONS } from './judge.ts';

type Deps = {
  /** @throws AppError `billing_inactive` */
  assertMayCreate: (organizationId: string) => Promise<void>;
};

const SCOPES = z
  .string()
  .max(2_000)
  .transform((value) => value.split(' ').filter((scope) => scope !== ''));

const Query = z.strictObject({
  scope: SCOPES.default([])
    .meta({ override: { type: 'string' } })
    .describe('Scopes that are all needed, separated by spaces.'),
  operation: z.enum(OPERATIONS).default('read').describe('What the request does, as billing sees it.'),
  map: z
    .literal('403')
    .optional()
    .describe('Answer 403 where 423 or 429 would be said: some proxies pass on 401 and 403 alone.'),
});

const Allowed = z
  .object({
    organization_id: z.string(),
    key_id: z.string(),
    scopes: z.array(z.string()),
    permission_set: z.string().nullable(),
  })
  .meta({ id: 'ForwardedCaller' });

/** What a proxy asks before it passes a request on: nginx `auth_request`, Traefik, Caddy, Envoy. */
export function forwardAuthRoutes({ assertMayCreate }: Deps): Route[] {
  return [
    tenantRoute({
      operationId: 'forwardAuth',
      method: 'get',
      path: '/v1/auth/forward',
      tag: 'Verification',
      summary: 'Whether a proxied request may pass, by the API key that it carries',
      description:
        'On 200 the headers `x-latchkey-organization-id`, `-key-id`, `-scopes` and `-permission-set` say whose request it is.',
      scope: [],
      callers: ['api_key'],
      billing: 'read',
      query: Query,
      responses: { 200: Allowed },
      errors: ['billing_inactive'],
      async handle({ caller, query, context }) {
        if (caller.kind !== 'api_key') throw new AppError('permission_denied', 'This is for API keys.');
        if (query.map !== undefined) context.mapRefusals();
        const missing = query.scope.filter((scope) => !caller.scopes.has(scope));
        if (missing.length > 0) {
          throw new AppError('permission_denied', `The key lacks ${missing.join(' and ')}.`, {
            details: { required_scopes: query.scope },
          });
        }
        if (query.operation === 'create') await assertMayCreate(caller.organizationId);
        const scopes = [...caller.scopes];
        context.setHeader('x-latchkey-organization-id', caller.organizationId);
        context.setHeader('x-latchkey-key-id', caller.keyId);
        context.setHeader('x-latchkey-scopes', scopes.join(' '));
        context.setHeader('x-latchkey-permission-set', caller.permissionSet ?? '');
        return {
          organization_id: caller.organizationId,
          key_id: caller.keyId,
          scopes,
          permission_set: caller.permissionSet ?? null,
        };
      },
    }),
  ];
}
