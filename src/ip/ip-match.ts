import { groups, readAddress } from './ip-address.ts';
import { maskOf, readRange } from './ip-range.ts';

/** Network and mask in turn, group by group, of every range of a version. */
type Compiled = { short: Uint16Array; long: Uint16Array };

// Goes with the list, which is replaced when it changes.
const compiled = new WeakMap<readonly string[], Compiled>();

/**
 * Whether an address is allowed by a list of addresses and ranges; an empty list allows all. No address, and what is
 * none, is in no list. Makes nothing but what it keeps for the list, the first time.
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
