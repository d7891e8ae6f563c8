import { hash } from 'node:crypto';

/** The keyed hash of a key as it was presented, in base64. */
export type Hmac = (presented: string) => string;

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** A text that may take more than this, at three bytes a character, is hashed in memory of its own. */
const ROOM_BYTES = 1_024;

/**
 * The keyed hash by which the mirror knows a secret: with the database alone nobody can test a guess. HMAC-SHA-256,
 * 32 bytes. Written out from RFC 2104 over the one-shot hash: `createHmac` makes its key anew at each call, which costs
 * ten times the hashing, on the way of every verification. Both padded keys lie ready, with room for what follows them;
 * nothing can come in between, since nothing here waits.
 */
export function makeHmac(secret: Buffer): Hmac {
  if (secret.length > BLOCK_BYTES) throw new Error('the key of the hash may have at most 64 bytes');
  const inner = padded(secret, 0x36, ROOM_BYTES);
  const outer = padded(secret, 0x5c, HASH_BYTES);
  // A view costs as much as a third of a hash; there are as many as there are lengths.
  const views: Buffer[] = [];

  function hashOf(text: Buffer): string {
    outer.write(hash('sha256', text, 'binary'), BLOCK_BYTES, 'latin1');
    return hash('sha256', outer, 'base64');
  }

  return (presented) => {
    if (presented.length * 3 > ROOM_BYTES) {
      return hashOf(Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.from(presented, 'utf8')]));
    }
    const bytes = inner.write(presented, BLOCK_BYTES, 'utf8');
    return hashOf((views[bytes] ??= inner.subarray(0, BLOCK_BYTES + bytes)));
  };
}

function padded(secret: Buffer, pad: number, room: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES + room);
  secret.copy(block);
  for (let i = 0; i < BLOCK_BYTES; i++) block[i]! ^= pad;
  return block;
}
