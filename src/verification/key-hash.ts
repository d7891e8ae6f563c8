import { hash } from 'node:crypto';

export type HashKey = (presented: string) => Buffer;

const BLOCK_BYTES = 64;

/**
 * The keyed hash by which the mirror knows a secret: with the database alone nobody can test a guess. HMAC-SHA-256,
 * 32 bytes. Written out from RFC 2104 over the one-shot hash: `createHmac` makes its key anew at each call, which costs
 * several times the hashing, on the way of every verification.
 */
export function makeHashKey(secret: Buffer): HashKey {
  if (secret.length > BLOCK_BYTES) throw new Error('the key of the hash may have at most 64 bytes');
  const inner = padded(secret, 0x36);
  const outer = padded(secret, 0x5c);
  return (presented) => sha256(Buffer.concat([outer, sha256(Buffer.concat([inner, Buffer.from(presented, 'utf8')]))]));
}

function padded(secret: Buffer, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  secret.copy(block);
  return block.map((byte) => byte ^ pad) as Buffer;
}

function sha256(data: Buffer): Buffer {
  return hash('sha256', data, 'buffer');
}
