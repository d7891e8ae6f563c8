import { z } from 'zod';
import { OPERATIONS } from '../billing/posture.ts';
import type { Operation } from '../billing/posture.ts';
import { AppError } from '../errors.ts';
import type { ApiKeyCaller } from '../http/caller.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';

type Deps = {
  /** @throws AppError `billing_inactive` */
  assertMayUse: (organizationId: string, operation: Operation) => Promise<void>;
};

export const FORWARD_PATH = '/v1/auth/forward';

const SCOPES = z
  .string()
  .max(2_000)
  .transform((value) => value.split(' ').filter((scope) => scope !== ''));

export const ForwardQuery = z.strictObject({
  scope: SCOPES.default([])
    .meta({ override: { type: 'string' } })
    .describe('Scopes that are all needed, separated by spaces.'),
  operation: z
    .enum(OPERATIONS)
    .optional()
    .describe(
      'What the request does, as billing sees it. Unless said, by the method that is asked with: GET and HEAD read, DELETE winds down, all else creates.',
    ),
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
export function forwardAuthRoutes({ assertMayUse }: Deps): Route[] {
  return [
    tenantRoute({
      operationId: 'forwardAuth',
      method: 'get',
      path: FORWARD_PATH,
      tag: 'Verification',
      summary: 'Whether a proxied request may pass, by the API key that it carries',
      description:
        "On 200 the headers `x-latchkey-organization-id`, `-key-id`, `-scopes` and `-permission-set` say whose request it is, and `-owner-id` whose key, if a person's. Any method will do, and a body is not read. It counts towards the rates of its key; nobody tells when a proxied request ends, so that requests at a time are not limited here.",
      scope: [],
      callers: ['api_key'],
      billing: 'read',
      mapsRefusals: true,
      anyMethod: true,
      query: ForwardQuery,
      responses: { 200: Allowed },
      errors: ['billing_inactive'],
      async handle({ caller, query, context }) {
        if (caller.kind !== 'api_key') throw new AppError('permission_denied', 'This is for API keys.');
        const missing = query.scope.filter((scope) => !caller.scopes.has(scope));
        if (missing.length > 0) {
          throw new AppError('permission_denied', `The key lacks ${missing.join(' and ')}.`, {
            details: { required_scopes: query.scope },
          });
        }
        await assertMayUse(caller.organizationId, query.operation ?? operationOf(context.method));
        for (const [name, value] of headersOfCaller(caller)) context.setHeader(name, value);
        return viewOfCaller(caller);
      },
    }),
  ];
}

/** A proxy that asks with the method of the request says by it what the request does; most ask with GET. */
export function operationOf(method: string): Operation {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return method === 'DELETE' ? 'wind_down' : 'create';
}

type Forwarded = Pick<ApiKeyCaller, 'organizationId' | 'keyId' | 'scopes' | 'permissionSet' | 'ownerUserId'>;

type Header = [name: string, value: string];

/** What the proxied service is told of its caller. */
export function headersOfCaller(caller: Forwarded): Header[] {
  return [
    ['x-latchkey-organization-id', caller.organizationId],
    ['x-latchkey-key-id', caller.keyId],
    ['x-latchkey-scopes', [...caller.scopes].join(' ')],
    ['x-latchkey-permission-set', caller.permissionSet ?? ''],
    ...(caller.ownerUserId === undefined ? [] : [['x-latchkey-owner-id', caller.ownerUserId] satisfies Header]),
  ];
}

export function viewOfCaller(caller: Forwarded) {
  return {
    organization_id: caller.organizationId,
    key_id: caller.keyId,
    scopes: [...caller.scopes],
    permission_set: caller.permissionSet ?? null,
  };
}
