import { z } from 'zod';
import { OPERATIONS } from '../../tenants/posture.ts';
import type { Operation } from '../../tenants/posture.ts';
import { ENVIRONMENTS } from '../../api-keys/key.ts';
import type { ApiKeyCaller } from '../../http/caller.ts';
import { forwardedRoute } from '../../http/route.ts';
import type { FindForwardedKey, Route } from '../../http/route.ts';
import { headersOfPerson, viewOfPerson } from './admit-person.ts';
import type { AdmitPerson } from './admit-person.ts';
import type { Decide } from '../decide.ts';
import { WANTED_ENVIRONMENTS } from '../judge.ts';
import { limitHeaders } from '../limit-answer.ts';
import type { PresentedKey } from '../presented-key.ts';
import { refusalOf } from '../refusal.ts';

type Deps = { findKey: FindForwardedKey<PresentedKey>; decide: Decide; admitPerson: AdmitPerson };

export const FORWARD_PATH = '/v1/auth/forward';

const SCOPES = z
  .string()
  .max(2_000)
  .transform((value) => value.split(' ').filter((scope) => scope !== ''));

export const ForwardQuery = z.strictObject({
  scope: SCOPES.default([])
    .meta({ override: { type: 'string' } })
    .describe('The scopes that the key must have, separated by spaces.'),
  environment: z
    .enum(WANTED_ENVIRONMENTS)
    .default('live')
    .describe('Which keys may pass: of the live environment, of the test environment, or of any.'),
  operation: z
    .enum(OPERATIONS)
    .optional()
    .describe(
      'What the request does, which billing may refuse. By default the method decides: GET and HEAD read, DELETE winds down, all others create.',
    ),
  sessions: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      "Whether people may pass, too, with a session's access token in `Authorization: Bearer` or `x-access-token`; a cookie does not pass.",
    ),
  map: z
    .literal('403')
    .optional()
    .describe('Answers 403 instead of 423 or 429, for proxies that pass on 401 and 403 alone.'),
});

const Allowed = z
  .object({
    organization_id: z.string(),
    key_id: z.string().nullable().describe('Null for a session.'),
    environment: z.enum(ENVIRONMENTS).nullable().describe('Null for a session.'),
    scopes: z.array(z.string()),
    permission_set: z.string().nullable(),
  })
  .meta({ id: 'ForwardedCaller' });

/** Forward authentication for proxies: nginx `auth_request`, Traefik, Caddy, Envoy. */
export function forwardAuthRoutes({ findKey, decide, admitPerson }: Deps): Route[] {
  return [
    forwardedRoute({
      operationId: 'forwardAuth',
      method: 'get',
      path: FORWARD_PATH,
      fastPath: true,
      tag: 'Verification',
      summary: 'Decide on a proxied request by its credential',
      description:
        'On 200, the headers `x-latchkey-organization-id`, `-key-id`, `-environment`, `-scopes` and `-permission-set` describe the key, and `-owner-id` the owner of a personal key. For a session (`sessions=true`) `-organization-id`, `-scopes` and `-owner-id`, the person, are given, and the others are empty. `-stale` is `true` if the database cannot be reached and the operator lets memory answer. Any method works; a body is not read. The request counts towards the rates of its key; a session has none. Concurrency is not limited here, because the end of a proxied request is unknown.',
      findKey,
      query: ForwardQuery,
      responses: { 200: Allowed },
      errors: [],
      async handle({ caller, query, context }) {
        const operation = query.operation ?? operationOf(context.method);
        if (caller.kind === 'user') {
          await admitPerson(caller, { operation, scopes: query.scope }, context);
          for (const [name, value] of headersOfPerson(caller)) context.setHeader(name, value);
          return viewOfPerson(caller);
        }
        const { presented, resolved } = caller;
        const { ip, userAgent } = context;
        const use = { environment: query.environment, scopes: query.scope, ip };
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

/** Returns the operation that a method stands for; most proxies ask with GET whatever the request. */
export function operationOf(method: string): Operation {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return method === 'DELETE' ? 'wind_down' : 'create';
}

type Forwarded = Pick<
  ApiKeyCaller,
  'organizationId' | 'keyId' | 'environment' | 'scopes' | 'permissionSet' | 'ownerUserId' | 'stale'
>;

type Header = [name: string, value: string];

/** Sent if memory answered although it is not trusted. */
export const STALE: Header = ['x-latchkey-stale', 'true'];

/** Returns the headers that describe the caller to the proxied service. */
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
