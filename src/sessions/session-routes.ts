import { z } from 'zod';
import type { ApiKeyCaller, TenantCaller, UserCaller } from '../http/caller.ts';
import { tenantRoute } from '../http/route.ts';
import type { RequestContext, Route } from '../http/route.ts';
import { readAddress } from '../ip/ip-address.ts';
import type { WorkosMembership, WorkosUser } from '../workos/gateway.ts';

export type OrganizationBilling = { status: string | null; posture: string };

type Deps = {
  describeUser: (userId: string) => Promise<{ user: WorkosUser; memberships: WorkosMembership[] }>;
  /** Whether people have login names besides their e-mail address. */
  hasLoginNames: boolean;
  billingOf: (organizationIds: readonly string[]) => Promise<ReadonlyMap<string, OrganizationBilling>>;
};

/** The `user_id` of a key that belongs to no person. */
const KEY_USER_ID = 'user_system_api_key';

const common = {
  organization_id: z.string(),
  permissions: z.array(z.string()),
  ip: z.string().nullable().describe('The address that this request came from, as allow lists judge it.'),
};

const Session = z
  .discriminatedUnion('kind', [
    z.object({
      ...common,
      kind: z.literal('user'),
      user_id: z.string(),
      email: z.string(),
      login: z
        .string()
        .optional()
        .describe(
          'The login name, or the e-mail address of a person without one; only where the product has login names.',
        ),
      name: z.string().nullable().describe('Null if WorkOS has no name of the user.'),
      role: z.string().nullable(),
      impersonator: z
        .object({ id: z.string() })
        .optional()
        .describe('The person who impersonates this user through WorkOS, if any.'),
      memberships: z.array(
        z.object({
          organization_id: z.string(),
          organization_name: z.string().nullable().describe('Null if WorkOS gives no name.'),
          role: z.string().nullable(),
          billing: z.object({ status: z.string().nullable(), posture: z.string() }),
        }),
      ),
    }),
    z.object({
      ...common,
      kind: z.literal('api_key'),
      user_id: z.string().describe(`The owner of a personal key; ${KEY_USER_ID} for a key of the organization.`),
      api_key_id: z.string(),
      api_key_label: z.string(),
      api_key_permission_set: z.string().nullable(),
    }),
    z.object({ ...common, kind: z.literal('machine'), client_id: z.string() }),
  ])
  .meta({ id: 'Session' });

export function sessionRoutes(deps: Deps): Route[] {
  return [
    tenantRoute({
      operationId: 'getSession',
      method: 'get',
      path: '/v1/me/session',
      tag: 'Session',
      summary: 'Get the caller of this request',
      scope: [],
      billing: 'read',
      responses: { 200: Session },
      errors: ['workos_rejected', 'workos_unavailable'],
      fromMemory: viewKey,
      handle: ({ caller, context }) => view(deps, caller, context),
    }),
  ];
}

async function view(deps: Deps, caller: TenantCaller, { ip }: RequestContext): Promise<z.input<typeof Session>> {
  if (caller.kind === 'api_key') return viewKey(caller, ip);
  const shared = viewShared(caller, ip);
  if (caller.kind === 'user') return { ...(await viewUser(deps, caller)), ...shared };
  return { kind: 'machine', ...shared, client_id: caller.clientId };
}

function viewKey(caller: ApiKeyCaller, ip: string | undefined) {
  return {
    ...viewShared(caller, ip),
    kind: 'api_key' as const,
    user_id: caller.ownerUserId ?? KEY_USER_ID,
    api_key_id: caller.keyId,
    api_key_label: caller.label,
    api_key_permission_set: caller.permissionSet ?? null,
  };
}

function viewShared({ organizationId, scopes }: TenantCaller, ip: string | undefined) {
  return { organization_id: organizationId, permissions: [...scopes].sort(), ip: addressOf(ip) };
}

// Behind a trusted proxy that writes no address, the text is of no use to an allow list.
function addressOf(ip: string | undefined): string | null {
  return ip !== undefined && readAddress(ip) !== 0 ? ip : null;
}

async function viewUser({ describeUser, billingOf, hasLoginNames }: Deps, caller: UserCaller) {
  const { user, memberships } = await describeUser(caller.userId);
  const billing = await billingOf(memberships.map(({ organizationId }) => organizationId));
  return {
    kind: 'user' as const,
    user_id: user.id,
    email: user.email,
    ...(hasLoginNames && { login: user.externalId ?? user.email }),
    name: user.name ?? null,
    role: caller.role ?? null,
    ...(caller.impersonator !== undefined && { impersonator: { id: caller.impersonator } }),
    memberships: memberships.map(({ organizationId, organizationName, role }) => ({
      organization_id: organizationId,
      organization_name: organizationName ?? null,
      role: role ?? null,
      billing: billing.get(organizationId) ?? { status: null, posture: 'unknown' },
    })),
  };
}
