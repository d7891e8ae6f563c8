import { randomBytes } from 'node:crypto';

const ALPHANUMERICS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const DIGITS = '0123456789';
/** No vowels, so that no words appear, and no letters that look alike. */
const CONSONANTS = 'BCDFGHJKLMNPQRSTVWXZ';

export const randomAlphanumerics = (length: number): string => pick(ALPHANUMERICS, length);
export const randomConsonants = (length: number): string => pick(CONSONANTS, length);
export const randomDigits = (length: number): string => pick(DIGITS, length);

/** Drops bytes past the last whole multiple of the alphabet, because a plain remainder would favour its first letters. */
function pick(alphabet: string, length: number): string {
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < limit && text.length < length) text += alphabet[byte % alphabet.length]!;
    }
  }
  return text;
}
