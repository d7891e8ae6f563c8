import { argon2Sync, hash as digest, scryptSync, timingSafeEqual } from 'node:crypto';
import { hashSync } from 'bcryptjs';
import { parseSaltedHash } from '../../api-keys/format/salted-hash.ts';
import type { SaltedHash } from '../../api-keys/format/salted-hash.ts';

const SALT_OF_BCRYPT = 29;
const MAX_MEMORY = 160 * 1024 * 1024;

/** Whether a text has this hash; false for a hash that is of no known form, or too costly. Blocks its thread. */
export function checkHash(text: string, encoded: string): boolean {
  const hash = parseSaltedHash(encoded);
  if (hash === undefined || hash === 'costly') return false;
  const [kept, made] =
    hash.kind === 'bcrypt'
      ? [Buffer.from(encoded), Buffer.from(hashSync(text, encoded.slice(0, SALT_OF_BCRYPT)))]
      : [hash.hash, hashAgain(text, hash)];
  return kept.length === made.length && timingSafeEqual(kept, made);
}

function hashAgain(text: string, hash: Exclude<SaltedHash, { kind: 'bcrypt' }>): Buffer {
  const { salt } = hash;
  const { length } = hash.hash;
  if (hash.kind === 'sha256-salted') {
    const parts = hash.saltFirst ? [salt, Buffer.from(text)] : [Buffer.from(text), salt];
    return digest('sha256', Buffer.concat(parts), 'buffer');
  }
  if (hash.kind === 'scrypt') {
    const { cost, blockSize, parallelization } = hash;
    return scryptSync(text, salt, length, { cost, blockSize, parallelization, maxmem: MAX_MEMORY });
  }
  const { memory, passes, parallelism } = hash;
  return argon2Sync('argon2id', { message: text, nonce: salt, parallelism, tagLength: length, memory, passes });
}
