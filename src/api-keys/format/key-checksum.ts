import { crc32 } from 'node:zlib';

export const CHECKSUM_LETTERS = 6;
export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The CRC-32 of a text in six letters of base62, the highest first. Anybody can make it: it finds mistakes, no more. */
export function checksumOf(text: string): string {
  return checksumText(crc32(text));
}

/** Whether the last six letters of a text are the checksum of what is before them. Takes ASCII. */
export function endsWithChecksum(text: string): boolean {
  const end = text.length - CHECKSUM_LETTERS;
  if (end < 0) return false;
  let left = crc32(text.slice(0, end));
  for (let i = text.length - 1; i >= end; i--) {
    if (text.charCodeAt(i) !== BASE62.charCodeAt(left % 62)) return false;
    left = Math.floor(left / 62);
  }
  return true;
}

/** A CRC-32 as it stands at the end of a key. */
export function checksumText(crc: number): string {
  let [left, letters] = [crc, ''];
  for (let i = 0; i < CHECKSUM_LETTERS; i++) {
    letters = BASE62[left % 62]! + letters;
    left = Math.floor(left / 62);
  }
  return letters;
}
