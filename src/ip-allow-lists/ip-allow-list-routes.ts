import { z } from 'zod';
import { IpAllowList } from '../ip/ip-allow-list.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { OrganizationIpAllowLists } from '../tenants/organization-ip-allow-lists.ts';
import type { SetIpAllowList } from './set-ip-allow-list.ts';

type Deps = { lists: Pick<OrganizationIpAllowLists, 'find'>; setIpAllowList: SetIpAllowList };

const common = {
  path: '/v1/organization/ip-allow-list',
  tag: 'Organization',
  // A stolen key that could read the list would show the thief which addresses to use.
  callers: ['user', 'machine'],
} as const;

export const IpAllowListAnswer = z
  .object({ ip_allow_list: z.array(z.string()).describe('Empty: any address.') })
  .meta({ id: 'OrganizationIpAllowList' });

const Body = z
  .strictObject({
    ip_allow_list: IpAllowList.describe('The whole new list; it replaces the one before.'),
    force: z.boolean().default(false).describe('Set the list even if your own address is not in it.'),
  })
  .meta({ id: 'SetOrganizationIpAllowList', example: { ip_allow_list: ['192.0.2.0/24', '2001:db8::/32'] } });

/** Read and set the addresses that an organization's users, machines and keys may come from. */
export function ipAllowListRoutes({ lists, setIpAllowList }: Deps): Route[] {
  return [
    tenantRoute({
      ...common,
      operationId: 'getIpAllowList',
      method: 'get',
      summary: "Get the organization's IP allow list",
      scope: ['apikeys:read', 'apikeys:write'],
      billing: 'read',
      responses: { 200: IpAllowListAnswer },
      errors: [],
      handle: async ({ caller }) => ({ ip_allow_list: [...(await lists.find(caller.organizationId))] }),
    }),
    tenantRoute({
      ...common,
      operationId: 'setIpAllowList',
      method: 'put',
      summary: "Set the organization's IP allow list",
      description:
        "Applies to the organization's users, machines and keys from this answer on. A key may have a list of its own in addition. A list without the caller's own address is refused, unless `force` is true.",
      scope: ['apikeys:write'],
      billing: 'create',
      impersonated: 'ip_allow_list',
      body: Body,
      responses: { 200: IpAllowListAnswer },
      errors: [],
      async handle({ caller, body: { ip_allow_list: ranges, force }, context }) {
        return { ip_allow_list: [...(await setIpAllowList(caller, { ranges, force }, context))] };
      },
    }),
  ];
}
