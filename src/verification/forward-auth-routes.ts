import { z } from 'zod';
import { OPERATIONS } from '../tenants/posture.ts';
import type { Operation } from '../tenants/posture.ts';
import { ENVIRONMENTS } from '../api-keys/key.ts';
import type { ApiKeyCaller } from '../http/caller.ts';
import { forwardedRoute } from '../http/route.ts';
import type { FindForwardedKey, Route } from '../http/route.ts';
import type { Decide } from './decide.ts';
import { WANTED_ENVIRONMENTS } from './judge.ts';
import { limitHeaders } from './limit-answer.ts';
import type { PresentedKey } from './presented-key.ts';
import { refusalOf } from './refusal.ts';

type Deps = { findKey: FindForwardedKey<PresentedKey>; decide: Decide };

export const FORWARD_PATH = '/v1/auth/forward';

const SCOPES = z
  .string()
  .max(2_000)
  .transform((value) => value.split(' ').filter((scope) => scope !== ''));

export const ForwardQuery = z.strictObject({
  scope: SCOPES.default([])
    .meta({ override: { type: 'string' } })
    .describe('Scopes that are all needed, separated by spaces.'),
  environment: z
    .enum(WANTED_ENVIRONMENTS)
    .default('live')
    .describe('Keys of which environment may pass; a test key may not unless this says so.'),
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
    environment: z.enum(ENVIRONMENTS),
    scopes: z.array(z.string()),
    permission_set: z.string().nullable(),
  })
  .meta({ id: 'ForwardedCaller' });

/** What a proxy asks before it passes a request on: nginx `auth_request`, Traefik, Caddy, Envoy. */
export function forwardAuthRoutes({ findKey, decide }: Deps): Route[] {
  return [
    forwardedRoute({
      operationId: 'forwardAuth',
      method: 'get',
      path: FORWARD_PATH,
      fastPath: true,
      tag: 'Verification',
      summary: 'Whether a proxied request may pass, by the API key that it carries',
      description:
        "On 200 the headers `x-latchkey-organization-id`, `-key-id`, `-environment`, `-scopes` and `-permission-set` say whose request it is, and `-owner-id` whose key, if a person's. `-stale` is `true` where the database cannot be asked and the operator lets memory answer. Any method will do, and a body is not read. It counts towards the rates of its key; nobody tells when a proxied request ends, so that requests at a time are not limited here.",
      findKey,
      query: ForwardQuery,
      responses: { 200: Allowed },
      errors: [],
      async handle({ caller, query, context }) {
        const { presented, resolved } = caller;
        const { ip, userAgent } = context;
        const use = { environment: query.environment, scopes: query.scope, ip };
        const operation = query.operation ?? operationOf(context.method);
        const question = { ...use, operation, presented, cost: 1, lease: false, userAgent };
        const decision = await decide(resolved, question);
        for (const [name, value] of decision.taken ? limitHeaders(decision.taken) : []) context.setHeader(name, value);
        const refusal = refusalOf(decision, question);
        if (refusal) throw refusal;
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

type Forwarded = Pick<
  ApiKeyCaller,
  'organizationId' | 'keyId' | 'environment' | 'scopes' | 'permissionSet' | 'ownerUserId' | 'stale'
>;

type Header = [name: string, value: string];

/** Told of a key that memory answered for although it may not be believed. */
export const STALE: Header = ['x-latchkey-stale', 'true'];

/** What the proxied service is told of its caller. */
export function headersOfCaller(caller: Forwarded): Header[] {
  return [
    ['x-latchkey-organization-id', caller.organizationId],
    ['x-latchkey-key-id', caller.keyId],
    ['x-latchkey-environment', caller.environment],
    ['x-latchkey-scopes', [...caller.scopes].join(' ')],
    ['x-latchkey-permission-set', caller.permissionSet ?? ''],
    ...(caller.ownerUserId === undefined ? [] : [['x-latchkey-owner-id', caller.ownerUserId] satisfies Header]),
    ...(caller.stale ? [STALE] : []),
  ];
}

export function viewOfCaller(caller: Omit<Forwarded, 'stale'>) {
  return {
    organization_id: caller.organizationId,
    key_id: caller.keyId,
    environment: caller.environment,
    scopes: [...caller.scopes],
    permission_set: caller.permissionSet ?? null,
  };
}
