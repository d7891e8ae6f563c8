import { groups, readAddress } from './ip-address.ts';

/** All addresses of one version that share the first `bits` of `network`, in 16-bit groups; IPv4 has two groups. */
export type IpRange = { version: 4 | 6; network: readonly number[]; bits: number };

const RANGE = /^([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?$/;
const MAPPED_BITS = 96;

/** Whether a text is an IP address, or a range in CIDR form. */
export function isIpRange(text: string): boolean {
  return readRange(text) !== undefined;
}

/** @returns undefined for text that is neither an address nor a range */
export function readRange(text: string): IpRange | undefined {
  const [, address = '', given] = RANGE.exec(text) ?? [];
  const read = readAddress(address);
  const isWrittenAs6 = address.includes(':');
  const most = isWrittenAs6 ? 128 : 32;
  const bits = given === undefined ? most : Number(given);
  if (read === 0 || bits > most) return undefined;
  // An IPv4-mapped range is IPv4, unless it is wider than the mapped prefix.
  const is4 = read === 4 && (!isWrittenAs6 || bits >= MAPPED_BITS);
  const own = is4 && isWrittenAs6 ? bits - MAPPED_BITS : bits;
  return { version: is4 ? 4 : 6, network: cleared(Array.from(groups.slice(is4 ? 6 : 0)), own), bits: own };
}

/** Returns ranges in their one normal form, without duplicates: lower case, shortest, host bits cleared. */
export function normalizeRanges(texts: readonly string[]): string[] {
  const ranges = texts.map(readRange).filter((range) => range !== undefined);
  return [...new Set(ranges.map(writeRange))];
}

function writeRange({ version, network, bits }: IpRange): string {
  const address = version === 4 ? write4(network) : write6(network);
  return bits === (version === 4 ? 32 : 128) ? address : `${address}/${bits}`;
}

function write4(network: readonly number[]): string {
  return network.flatMap((group) => [group >> 8, group & 0xff]).join('.');
}

/** Uses the URL standard's form, which is the short one of RFC 5952. */
function write6(network: readonly number[]): string {
  const written = network.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${written}]`).hostname.slice(1, -1);
}

function cleared(network: readonly number[], bits: number): number[] {
  return network.map((group, i) => group & maskOf(bits - 16 * i));
}

/** Returns the mask of a group of which the first `bits` count. */
export function maskOf(bits: number): number {
  return bits >= 16 ? 0xffff : bits <= 0 ? 0 : (0xffff << (16 - bits)) & 0xffff;
}
