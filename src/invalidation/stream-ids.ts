import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Position } from './invalidation-hub.ts';

export type StreamIds = ReturnType<typeof makeStreamIds>;

const BLOCK_BYTES = 16;
const NUMBER_AT = 8;
const EVENT_ID = /^([\w-]{1,32}):([\w-]{22})$/;

/**
 * Encrypts positions into the ids of stream events. A position counts the changes of all organizations, which a listener
 * of one must not learn. Each id is one AES block, random in its first half, under a key of this process.
 */
export function makeStreamIds() {
  const key = randomBytes(BLOCK_BYTES);

  return {
    write({ epoch, number }: Position): string {
      const block = randomBytes(BLOCK_BYTES);
      block.writeBigUInt64BE(BigInt(number), NUMBER_AT);
      const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
      return `${epoch}:${cipher.update(block).toString('base64url')}`;
    },

    /** @returns undefined for a malformed id; a forged one decrypts to a position that was never reached */
    read(id: string | undefined): Position | undefined {
      const [, epoch, sealed = ''] = EVENT_ID.exec(id ?? '') ?? [];
      if (epoch === undefined) return undefined;
      const decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
      const block = decipher.update(Buffer.from(sealed, 'base64url'));
      return { epoch, number: Number(block.readBigUInt64BE(NUMBER_AT)) };
    },
  };
}
