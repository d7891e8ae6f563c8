import type { Knex } from 'knex';
import type { AuditLog } from '../../audit/audit-log.ts';
import { makeOrganizationIpAllowLists } from '../../tenants/organization-ip-allow-lists.ts';
import { ipAllowListRoutes } from '../../ip-allow-lists/ip-allow-list-routes.ts';
import { makeOrganizationAddresses } from '../../ip-allow-lists/organization-addresses.ts';
import type { AllowListMemory } from '../../ip-allow-lists/organization-addresses.ts';
import { makeSetIpAllowList } from '../../ip-allow-lists/set-ip-allow-list.ts';
import { staffAddressRoutes } from '../../staff/staff-address-routes.ts';
import type { AdmitStaff } from '../../staff/admit-staff.ts';
import type { Tenant } from '../../tenants/posture.ts';
import type { Clock } from '../../clock.ts';
import type { OrganizationCaller } from '../../http/caller.ts';
import type { Route } from '../../http/route.ts';
import { outboundAddressRoute } from '../../product/outbound-address-route.ts';
import type { Product } from '../../product/product.ts';
import type { KeyCallers } from '../../verification/key-callers.ts';
import { findListsInRegion } from '../../region/region-readers.ts';
import type { Region } from '../region/region.ts';
import type { Trust } from '../../invalidation/trust.ts';

type Deps = {
  db: Knex;
  region: Region;
  product: Product;
  audit: AuditLog;
  allowListMemory: AllowListMemory;
  trust: Trust;
  tenants: { make: (trx: Knex.Transaction, organizationId: string, now: Date) => Promise<Tenant> };
  clock: Clock;
};

/** Parts of the organizations' IP allow lists: their routes, and the guard of every request. */
export function makeAddressParts({ db, region, product, audit, allowListMemory: memory, trust, tenants, clock }: Deps) {
  const lists = makeOrganizationIpAllowLists(db);
  const findList = region
    ? findListsInRegion(region, {
        region: makeOrganizationIpAllowLists(region.db).findOfTenant,
        home: lists.findOfTenant,
      })
    : lists.findOfTenant;
  const addresses = makeOrganizationAddresses({ findList, memory, isTrusted: trust.isTrusted });
  const holdTenant = (trx: Knex.Transaction, organizationId: string) => tenants.make(trx, organizationId, clock());
  const setIpAllowList = makeSetIpAllowList({ db, lists, holdTenant, audit, clock });
  return {
    /** Refuses a user, machine or CI session outside its organization's list, and a key outside its own list, too. */
    addressGuard:
      (keyCallers: Pick<KeyCallers, 'assertAddress'>) =>
      async (caller: OrganizationCaller, address: string | undefined): Promise<void> => {
        if (caller.kind === 'api_key') keyCallers.assertAddress(caller, address);
        else await addresses.assertAllowed(caller.organizationId, address);
      },
    addresses,
    addressRoutes: (admitStaff: AdmitStaff): Route[] => [
      ...ipAllowListRoutes({ lists, setIpAllowList }),
      ...staffAddressRoutes({ admitStaff, lists, setIpAllowList }),
      outboundAddressRoute(product),
    ],
  };
}
