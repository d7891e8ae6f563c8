import { isIP } from 'node:net';
import { groups, readAddress } from './ip-address.ts';

/** Addresses of one version whose first `bits` are those of `network`, in 16-bit groups; IPv4 has two of them. */
export type IpRange = { version: 4 | 6; network: readonly number[]; bits: number };

const RANGE = /^([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?$/;
const MAPPED_BITS = 96;

/** Whether a text is an IP address, or a range of them in CIDR form. */
export function isIpRange(text: string): boolean {
  const [, address = '', bits] = RANGE.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128);
}

/** @returns undefined for what is no address and no range */
export function readRange(text: string): IpRange | undefined {
  const [, address = '', given] = RANGE.exec(text) ?? [];
  if (!isIpRange(text)) return undefined;
  const read = readAddress(address);
  const isLong = address.includes(':');
  const bits = given === undefined ? (isLong ? 128 : 32) : Number(given);
  // IPv4 written as IPv6 is IPv4, unless the range is wider than that.
  const isShort = read === 4 && (!isLong || bits >= MAPPED_BITS);
  const own = isShort && isLong ? bits - MAPPED_BITS : bits;
  return { version: isShort ? 4 : 6, network: cleared(Array.from(groups.slice(isShort ? 6 : 0)), own), bits: own };
}

/** Each as it is always written: lower case, as short as can be, without bits of the host; none of them twice. */
export function normalizeRanges(texts: readonly string[]): string[] {
  const ranges = texts.map(readRange).filter((range) => range !== undefined);
  return [...new Set(ranges.map(writeRange))];
}

function writeRange({ version, network, bits }: IpRange): string {
  const address = version === 4 ? writeShort(network) : writeLong(network);
  return bits === (version === 4 ? 32 : 128) ? address : `${address}/${bits}`;
}

function writeShort(network: readonly number[]): string {
  return network.flatMap((group) => [group >> 8, group & 0xff]).join('.');
}

/** As the standard of URLs writes it, which is the short form of RFC 5952. */
function writeLong(network: readonly number[]): string {
  const written = network.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${written}]`).hostname.slice(1, -1);
}

function cleared(network: readonly number[], bits: number): number[] {
  return network.map((group, i) => group & maskOf(bits - 16 * i));
}

/** Of a group, when so many bits count from its beginning on. */
export function maskOf(bits: number): number {
  return bits >= 16 ? 0xffff : bits <= 0 ? 0 : (0xffff << (16 - bits)) & 0xffff;
}
