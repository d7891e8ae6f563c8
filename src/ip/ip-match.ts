import { AppError } from '../errors.ts';
import { groups, readAddress } from './ip-address.ts';
import { maskOf, readRange } from './ip-range.ts';

/** Network and mask alternating, group by group, for every range of a version. */
type Compiled = { short: Uint16Array; long: Uint16Array };

// Kept as long as the list itself, which is replaced when it changes.
const compiled = new WeakMap<readonly string[], Compiled>();

/**
 * Whether a list of addresses and ranges allows an address. An empty list allows all; any other refuses a missing or
 * unreadable address. Allocates only when it first sees a list.
 */
export function isAddressAllowed(list: readonly string[], address: string | undefined): boolean {
  if (list.length === 0) return true;
  let ranges = compiled.get(list);
  if (!ranges) {
    ranges = compile(list);
    compiled.set(list, ranges);
  }
  const version = address === undefined ? 0 : readAddress(address);
  if (version === 4) return isIn(ranges.short, 6);
  return version === 6 && isIn(ranges.long, 0);
}

/** @param address as it was seen: the client's own, or that of a proxy that is not trusted */
export function ipNotAllowed(address: string | undefined): AppError {
  return new AppError('ip_not_allowed', 'Your IP address is not in the allow list.', {
    details: { address: address ?? null },
  });
}

function isIn(ranges: Uint16Array, from: number): boolean {
  const width = 2 * (8 - from);
  for (let range = 0; range < ranges.length; range += width) {
    let same = true;
    for (let i = 0; same && i < width; i += 2)
      same = (groups[from + (i >> 1)]! & ranges[range + i + 1]!) === ranges[range + i];
    if (same) return true;
  }
  return false;
}

function compile(list: readonly string[]): Compiled {
  const ranges = list.map(readRange).filter((range) => range !== undefined);
  const flat = (wanted: 4 | 6) =>
    ranges
      .filter(({ version }) => version === wanted)
      .flatMap(({ network, bits }) => network.flatMap((group, i) => [group, maskOf(bits - 16 * i)]));
  return { short: Uint16Array.from(flat(4)), long: Uint16Array.from(flat(6)) };
}
