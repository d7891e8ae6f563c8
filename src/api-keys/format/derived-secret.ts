import { hkdfSync } from 'node:crypto';
import { BASE62 } from '../../scan/key-checksum.ts';

const LABEL = 'latchkey api key of fixed length, v1';
const BYTES = 1_024;
/** Bytes from here on are skipped: they would make the first characters of the alphabet likelier. */
const FAIR = 256 - (256 % BASE62.length);

/** Derives characters of base62 from a secret, one-way and evenly distributed, by HKDF with SHA-512. */
export function deriveBase62(secret: string, length: number): string {
  let text = '';
  for (const byte of new Uint8Array(hkdfSync('sha512', secret, '', LABEL, BYTES))) {
    if (byte < FAIR) text += BASE62[byte % BASE62.length]!;
    if (text.length === length) return text;
  }
  throw new Error(`cannot derive ${length} characters`);
}
