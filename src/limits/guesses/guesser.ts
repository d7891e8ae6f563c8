import { networkOf } from '../../ip/network.ts';

/** Who answers for credentials that are not good: the address that they came from, or the tenant that asked about them. */
export type Guesser = { address: string | undefined } | { organizationId: string };

export function nameOfGuesser(guesser: Guesser): string {
  return 'organizationId' in guesser
    ? `organization ${guesser.organizationId}`
    : `address ${networkOf(guesser.address)}`;
}
