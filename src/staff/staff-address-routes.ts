import { z } from 'zod';
import { serviceRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { IpAllowListAnswer } from '../ip-allow-lists/ip-allow-list-routes.ts';
import type { SetIpAllowList } from '../ip-allow-lists/set-ip-allow-list.ts';
import { IpAllowList } from '../ip/ip-allow-list.ts';
import type { OrganizationIpAllowLists } from '../tenants/organization-ip-allow-lists.ts';
import { ActingStaff, STAFF_ERRORS, organizationParam } from './admit-staff.ts';
import type { AdmitStaff } from './admit-staff.ts';

type Deps = {
  admitStaff: AdmitStaff;
  lists: Pick<OrganizationIpAllowLists, 'find'>;
  setIpAllowList: SetIpAllowList;
};

const Body = z
  .strictObject({ ip_allow_list: IpAllowList.describe('The whole new list; it replaces the one before.') })
  .meta({ id: 'SetIpAllowListOf', example: { ip_allow_list: ['192.0.2.0/24', '2001:db8::/32'] } });

/** Read and set an organization's IP allow list for it. */
export function staffAddressRoutes({ admitStaff, lists, setIpAllowList }: Deps): Route[] {
  const common = {
    path: '/v1/organizations/{id}/ip-allow-list',
    tag: 'Staff',
    scope: ['staff:addresses'],
    params: z.object(organizationParam),
    query: ActingStaff,
    responses: { 200: IpAllowListAnswer },
    errors: STAFF_ERRORS,
  } as const;
  return [
    serviceRoute({
      ...common,
      operationId: 'getIpAllowListOf',
      method: 'get',
      summary: "Get an organization's IP allow list, as staff",
      async handle({ caller, params: { id }, query }) {
        await admitStaff(caller, { organizationId: id, staffId: query.staff_id }, 'read');
        return { ip_allow_list: [...(await lists.find(id))] };
      },
    }),
    serviceRoute({
      ...common,
      operationId: 'setIpAllowListOf',
      method: 'put',
      summary: "Set an organization's IP allow list, as staff",
      description:
        "Applies to the organization's users, machines and keys from this answer on. The list may leave out your own address: it does not concern service tokens.",
      body: Body,
      async handle({ caller, params: { id }, query, body, context }) {
        const staff = await admitStaff(caller, { organizationId: id, staffId: query.staff_id }, 'create');
        return {
          ip_allow_list: [...(await setIpAllowList(staff, { ranges: body.ip_allow_list, force: false }, context))],
        };
      },
    }),
  ];
}
