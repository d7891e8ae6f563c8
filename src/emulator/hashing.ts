import { createHash, randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';

const SCRYPT_LENGTH = 32;
/** A quarter of Node's default cost, which is enough on a developer's machine and keeps test suites fast. */
const SCRYPT_OPTIONS = { N: 4_096, r: 8, p: 1 };

/** Hashes secrets that are long and random: keys, tokens, codes. */
export const sha256 = (secret: string): Buffer => createHash('sha256').update(secret).digest();

export const sameSecret = (left: string, right: string): boolean => timingSafeEqual(sha256(left), sha256(right));

/** Returns `salt.hash`, both in base64url. */
export function hashPassword(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, SCRYPT_LENGTH, SCRYPT_OPTIONS);
  return `${salt.toString('base64url')}.${hash.toString('base64url')}`;
}

export async function passwordMatches(password: string, stored: string): Promise<boolean> {
  const [salt = '', hash = ''] = stored.split('.');
  const expected = Buffer.from(hash, 'base64url');
  const actual = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password, Buffer.from(salt, 'base64url'), SCRYPT_LENGTH, SCRYPT_OPTIONS, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
  return timingSafeEqual(actual, expected);
}
