import { networkOf } from '../../ip/network.ts';

/** The origin that failed credentials count against: an address, or the tenant that asked about them. */
export type Guesser = { address: string | undefined } | { organizationId: string };

export function nameOfGuesser(guesser: Guesser): string {
  return 'organizationId' in guesser
    ? `organization ${guesser.organizationId}`
    : `address ${networkOf(guesser.address)}`;
}
