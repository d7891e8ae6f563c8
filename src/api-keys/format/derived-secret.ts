import { hkdfSync } from 'node:crypto';
import { BASE62 } from './key-checksum.ts';

const LABEL = 'latchkey api key of fixed length, v1';
const BYTES = 1_024;
/** As many bytes as there are whole alphabets in: what is over would make the first letters likelier. */
const FAIR = 256 - (256 % BASE62.length);

/**
 * So many letters of base62 that follow from a secret and from which it cannot be had back: HKDF with SHA-512, bytes
 * that would favour a letter left out.
 */
export function deriveLetters(secret: string, letters: number): string {
  let text = '';
  for (const byte of new Uint8Array(hkdfSync('sha512', secret, '', LABEL, BYTES))) {
    if (byte < FAIR) text += BASE62[byte % BASE62.length]!;
    if (text.length === letters) return text;
  }
  throw new Error(`${letters} letters are more than can be derived`);
}
