import { isIPv4, isIPv6 } from 'node:net';

const MAX_CHARACTERS = 64;
const GROUPS = 8;
const GROUPS_OF_NETWORK = 4;

/**
 * What counts as one client: an IPv4 address, also where it is written as IPv6, and the /64 of an IPv6 address, since
 * whoever has one address of it has them all.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined || isIPv4(address)) return address ?? 'unknown';
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address.slice(0, MAX_CHARACTERS);
  const groups = groupsOf(plain);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return [groups[6]! >> 8, groups[6]! & 0xff, groups[7]! >> 8, groups[7]! & 0xff].join('.');
  return `${groups
    .slice(0, GROUPS_OF_NETWORK)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

function groupsOf(address: string): number[] {
  const [left = [], right = []] = address
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').flatMap(toGroups)));
  return [...left, ...Array<number>(GROUPS - left.length - right.length).fill(0), ...right];
}

/** The last part may be written as IPv4. */
function toGroups(part: string): number[] {
  if (!part.includes('.')) return [Number.parseInt(part, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}
