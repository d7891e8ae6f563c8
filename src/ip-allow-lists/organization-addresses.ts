import { isAddressAllowed } from '../ip/ip-match.ts';
import { ipNotAllowed } from '../http/ip-not-allowed.ts';
import type { AllowListMemory } from './allow-list-memory.ts';
import type { IpAllowListRepository } from './ip-allow-list-repository.ts';

type Deps = {
  lists: Pick<IpAllowListRepository, 'find'>;
  memory: Pick<AllowListMemory, 'get' | 'fill' | 'generation'>;
  /** Whether this process hears of every change. */
  isTrusted: () => boolean;
};

export type OrganizationAddresses = ReturnType<typeof makeOrganizationAddresses>;

/** From where the people, machines and keys of an organization may come; known from memory while that may be believed. */
export function makeOrganizationAddresses({ lists, memory, isTrusted }: Deps) {
  async function read(organizationId: string): Promise<readonly string[]> {
    const generation = memory.generation();
    const list = await lists.find(organizationId);
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
