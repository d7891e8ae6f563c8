import { isAddressAllowed } from '../../ip/ip-match.ts';

// Source: the special-purpose registries of IANA, iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry.
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Protocol assignments with Teredo, documentation, 6to4: they lead elsewhere.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
];
/** All that is assigned for the public of IPv6 is in here; IPv4 is public unless listed above. */
const MAY_BE_PUBLIC = ['0.0.0.0/0', '2000::/3'];

/** Whether an address is of the public internet. An IPv4-mapped address counts as the IPv4 address in it. */
export function isPublicAddress(address: string): boolean {
  return isAddressAllowed(MAY_BE_PUBLIC, address) && !isAddressAllowed(NOT_PUBLIC, address);
}
