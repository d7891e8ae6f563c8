import { crc32 } from 'node:zlib';

export const CHECKSUM_LENGTH = 6;
export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Returns the CRC-32 of a text as six characters of base62. It detects typing mistakes, not forgery. */
export function checksumOf(text: string): string {
  return checksumText(crc32(text));
}

/** Whether a text of ASCII ends with the checksum of what is before it. */
export function endsWithChecksum(text: string): boolean {
  const end = text.length - CHECKSUM_LENGTH;
  if (end < 0) return false;
  let left = crc32(text.slice(0, end));
  for (let i = text.length - 1; i >= end; i--) {
    if (text.charCodeAt(i) !== BASE62.charCodeAt(left % 62)) return false;
    left = Math.floor(left / 62);
  }
  return true;
}

/** Writes a CRC-32 as it stands at the end of a key, highest digit first. */
export function checksumText(crc: number): string {
  let [left, digits] = [crc, ''];
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = BASE62[left % 62]! + digits;
    left = Math.floor(left / 62);
  }
  return digits;
}
