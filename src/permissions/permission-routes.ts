import { z } from 'zod';
import type { TenantCaller } from '../http/caller.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { Catalogue, Plan } from './catalogue.ts';

const TAG = 'Permissions';

const PermissionSets = z
  .object({
    data: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        scopes: z.array(z.string()),
        allowed: z.boolean().describe("Whether the organization's plan includes this set for new keys."),
      }),
    ),
  })
  .meta({ id: 'PermissionSets' });

const Permissions = z
  .object({
    data: z.array(
      z.object({
        group: z.string(),
        description: z.string().nullable(),
        permissions: z.array(
          z.object({
            name: z.string(),
            description: z.string(),
            implies: z.array(z.string()).describe('Scopes that this one includes, which may imply more.'),
            requires: z
              .string()
              .nullable()
              .describe(
                "Entry of the organization's metadata at WorkOS that has to be there before a key gets this scope.",
              ),
            grantable: z.boolean().describe('Whether an API key can have it.'),
            choosable: z
              .boolean()
              .describe(
                'Whether the caller can choose it for a new key: it is configured to be chosen, and the caller holds it.',
              ),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Permissions' });

type Deps = {
  catalogue: Pick<Catalogue, 'sets' | 'groups' | 'neverGranted' | 'chosenScopes'>;
  planOfOrganization: (organizationId: string) => Promise<Pick<Plan, 'permissionSets'>>;
};

export function permissionRoutes({ catalogue, planOfOrganization }: Deps): Route[] {
  const open = { tag: TAG, method: 'get', scope: [], billing: 'read', errors: [] } as const;
  return [
    tenantRoute({
      ...open,
      operationId: 'listPermissionSets',
      path: '/v1/permission-sets',
      summary: 'List the permission sets that keys are made from',
      responses: { 200: PermissionSets },
      async handle({ caller }) {
        const { permissionSets } = await planOfOrganization(caller.organizationId);
        const allowed = (name: string) => permissionSets?.has(name) ?? true;
        return {
          data: catalogue.sets.map((set) => ({ ...set, scopes: [...set.scopes], allowed: allowed(set.name) })),
        };
      },
    }),
    tenantRoute({
      ...open,
      operationId: 'listPermissions',
      path: '/v1/api-keys/permissions',
      summary: 'List all scopes, in groups',
      responses: { 200: Permissions },
      fromMemory: (caller) => viewPermissions(catalogue, caller),
      handle: ({ caller }) => Promise.resolve(viewPermissions(catalogue, caller)),
    }),
  ];
}

function viewPermissions(catalogue: Deps['catalogue'], { scopes }: Pick<TenantCaller, 'scopes'>) {
  const choosable = new Set(catalogue.chosenScopes.filter((scope) => scopes.has(scope)));
  return { data: catalogue.groups.map((group) => viewGroup(group, catalogue, choosable)) };
}

function viewGroup(
  group: Catalogue['groups'][number],
  { neverGranted }: Pick<Catalogue, 'neverGranted'>,
  choosable: ReadonlySet<string>,
) {
  return {
    group: group.group,
    description: group.description ?? null,
    permissions: group.scopes.map(({ name, description, implies, requires = null }) => ({
      name,
      description,
      implies: [...implies],
      requires,
      grantable: !neverGranted.has(name),
      choosable: choosable.has(name),
    })),
  };
}
