import { z } from 'zod';
import { IpAllowList } from '../ip/ip-allow-list.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { IpAllowListRepository } from './ip-allow-list-repository.ts';
import type { SetIpAllowList } from './set-ip-allow-list.ts';

type Deps = { lists: Pick<IpAllowListRepository, 'find'>; setIpAllowList: SetIpAllowList };

const common = {
  path: '/v1/organization/ip-allow-list',
  tag: 'Organization',
  // A key that could read it would tell a thief from where to come.
  callers: ['user', 'machine'],
} as const;

const Answer = z
  .object({ ip_allow_list: z.array(z.string()).describe('Empty: from everywhere.') })
  .meta({ id: 'OrganizationIpAllowList' });

const Body = z
  .strictObject({
    ip_allow_list: IpAllowList.describe('All of it; what is not in it any more may not be used any more.'),
    force: z.boolean().default(false).describe('Also if your own address is not in it.'),
  })
  .meta({ id: 'SetOrganizationIpAllowList', example: { ip_allow_list: ['192.0.2.0/24', '2001:db8::/32'] } });

/** From where an organization's people, machines and keys may be used. */
export function ipAllowListRoutes({ lists, setIpAllowList }: Deps): Route[] {
  return [
    tenantRoute({
      ...common,
      operationId: 'getIpAllowList',
      method: 'get',
      summary: 'Get the addresses from which the organization may be used',
      scope: ['apikeys:read', 'apikeys:write'],
      billing: 'read',
      responses: { 200: Answer },
      errors: [],
      handle: async ({ caller }) => ({ ip_allow_list: [...(await lists.find(caller.organizationId))] }),
    }),
    tenantRoute({
      ...common,
      operationId: 'setIpAllowList',
      method: 'put',
      summary: 'Set the addresses from which the organization may be used',
      description:
        "Holds for its people, its machines and its keys, from the moment of this answer; a key may have a list of its own besides. A list without the caller's own address is refused, unless `force` is given.",
      scope: ['apikeys:write'],
      billing: 'create',
      impersonated: 'ip_allow_list',
      body: Body,
      responses: { 200: Answer },
      errors: [],
      async handle({ caller, body: { ip_allow_list: ranges, force }, context }) {
        return { ip_allow_list: [...(await setIpAllowList(caller, { ranges, force }, context))] };
      },
    }),
  ];
}
