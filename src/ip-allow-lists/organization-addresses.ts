import { makeGuardedMemory } from '../invalidation/guarded-memory.ts';
import { ipNotAllowed, isAddressAllowed } from '../ip/ip-match.ts';
import type { OrganizationIpAllowLists } from '../tenants/organization-ip-allow-lists.ts';

type Deps = {
  findList: OrganizationIpAllowLists['findOfTenant'];
  memory: Pick<AllowListMemory, 'get' | 'fill' | 'generation'>;
  /** Whether this replica receives every invalidation, so that its memory is current. */
  isTrusted: () => boolean;
};

export type OrganizationAddresses = ReturnType<typeof makeOrganizationAddresses>;
export type AllowListMemory = ReturnType<typeof makeAllowListMemory>;

const MAX_ORGANIZATIONS = 20_000;

/** Allow lists by organization. A change of one key leaves them as they are. */
export function makeAllowListMemory() {
  return makeGuardedMemory<readonly string[]>({
    max: MAX_ORGANIZATIONS,
    nameIn: ({ organizationId, keyId }) => (keyId === undefined ? organizationId : undefined),
  });
}

/** Refuses callers outside their organization's allow list. Memory answers while it is current. */
export function makeOrganizationAddresses({ findList, memory, isTrusted }: Deps) {
  async function read(organizationId: string): Promise<readonly string[]> {
    const generation = memory.generation();
    const list = (await findList(organizationId)) ?? [];
    if (isTrusted()) memory.fill(organizationId, list, generation);
    return list;
  }

  return {
    /** @throws AppError `ip_not_allowed` */
    async assertAllowed(organizationId: string, address: string | undefined): Promise<void> {
      const known = isTrusted() ? memory.get(organizationId) : undefined;
      if (!isAddressAllowed(known ?? (await read(organizationId)), address)) throw ipNotAllowed(address);
    },
  };
}
