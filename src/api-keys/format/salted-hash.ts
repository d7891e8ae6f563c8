/** A hash with a salt, as it is stored: in the form of PHC or crypt. Costs are within bounds. */
export type SaltedHash =
  | { kind: 'bcrypt'; encoded: string }
  | { kind: 'scrypt'; cost: number; blockSize: number; parallelization: number; salt: Buffer; hash: Buffer }
  | { kind: 'argon2id'; memory: number; passes: number; parallelism: number; salt: Buffer; hash: Buffer }
  | { kind: 'sha256-salted'; saltFirst: boolean; salt: Buffer; hash: Buffer };

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)={0,2}\$([A-Za-z0-9+/]+)={0,2}$/;
const ARGON2ID =
  /^\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,4})\$([A-Za-z0-9+/]+)={0,2}\$([A-Za-z0-9+/]+)={0,2}$/;
const SHA256 = /^\$sha256\$(before|after)\$([A-Za-z0-9+/]+)={0,2}\$([A-Za-z0-9+/]{43})=?$/;

/** One check takes at most some 128 MiB, and about a second of one core. */
const MAX_KIB = 128 * 1_024;
const MAX_BCRYPT_COST = 13;
const MAX_ARGON2_KIB_PASSES = 512 * 1_024;
const MAX_PARALLEL = 8;
const MAX_SALT = 128;
const [MIN_HASH, MAX_HASH] = [16, 64];

const isWithin = (value: number, least: number, most: number) => value >= least && value <= most;
const bytes = (text = '') => Buffer.from(text, 'base64');

/** @returns `costly` for one that takes more time or memory than a check may */
export function parseSaltedHash(encoded: string): SaltedHash | 'costly' | undefined {
  const bcrypt = BCRYPT.exec(encoded);
  if (bcrypt) return isWithin(Number(bcrypt[1]), 4, MAX_BCRYPT_COST) ? { kind: 'bcrypt', encoded } : 'costly';
  const sha256 = SHA256.exec(encoded);
  if (sha256) {
    const [, position, salt, hash] = sha256;
    return sized({ kind: 'sha256-salted', saltFirst: position === 'before', salt: bytes(salt), hash: bytes(hash) });
  }
  const [, ln, r, p, scryptSalt, scryptHash] = SCRYPT.exec(encoded) ?? [];
  if (ln !== undefined) return scrypt([Number(ln), Number(r), Number(p)], bytes(scryptSalt), bytes(scryptHash));
  const [, m, t, lanes, salt, hash] = ARGON2ID.exec(encoded) ?? [];
  return m === undefined ? undefined : argon2id([Number(m), Number(t), Number(lanes)], bytes(salt), bytes(hash));
}

function scrypt([log, blockSize, parallelization]: [number, number, number], salt: Buffer, hash: Buffer) {
  const isCheap = isWithin(log, 1, 20) && isWithin(blockSize, 1, 32) && isWithin(parallelization, 1, MAX_PARALLEL);
  const cost = 2 ** log;
  if (!isCheap || (cost * blockSize * parallelization) / MAX_PARALLEL > MAX_KIB) return 'costly';
  return sized({ kind: 'scrypt', cost, blockSize, parallelization, salt, hash });
}

function argon2id([memory, passes, parallelism]: [number, number, number], salt: Buffer, hash: Buffer) {
  const isCheap = memory <= MAX_KIB && passes <= MAX_ARGON2_KIB_PASSES && parallelism <= MAX_PARALLEL;
  if (!isCheap || memory * passes > MAX_ARGON2_KIB_PASSES) return 'costly';
  // What argon2 itself asks for.
  if (passes < 1 || parallelism < 1 || memory < 8 * parallelism || salt.length < 8) return undefined;
  return sized({ kind: 'argon2id', memory, passes, parallelism, salt, hash });
}

function sized(hash: Exclude<SaltedHash, { kind: 'bcrypt' }>): SaltedHash | undefined {
  return isWithin(hash.hash.length, MIN_HASH, MAX_HASH) && hash.salt.length <= MAX_SALT ? hash : undefined;
}
