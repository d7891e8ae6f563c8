import { plainAddress } from './client-address.ts';
import { groups, readAddress } from './ip-address.ts';

const MAX_CHARACTERS = 64;
const GROUPS_OF_NETWORK = 4;

/**
 * Returns the name of the network that limits count as one client: the IPv4 address, or the /64 of an IPv6 address, since
 * a client that has one address of a /64 has them all.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const plain = plainAddress(address);
  if (readAddress(plain) !== 6) return plain.slice(0, MAX_CHARACTERS);
  const network = Array.from(groups.slice(0, GROUPS_OF_NETWORK), (group) => group.toString(16));
  return `${network.join(':')}::/64`;
}
