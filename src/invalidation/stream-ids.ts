import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Place } from './invalidation-hub.ts';

export type StreamIds = ReturnType<typeof makeStreamIds>;

const BLOCK_BYTES = 16;
const NUMBER_AT = 8;
const EVENT_ID = /^([\w-]{1,32}):([\w-]{22})$/;

/**
 * The ids of events on a stream. A place counts the changes of all organizations, which is nothing that a listener of
 * one may read: each id is one block of AES, random in its first half, under a key of this process.
 */
export function makeStreamIds() {
  const key = randomBytes(BLOCK_BYTES);

  return {
    write({ epoch, number }: Place): string {
      const block = randomBytes(BLOCK_BYTES);
      block.writeBigUInt64BE(BigInt(number), NUMBER_AT);
      const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
      return `${epoch}:${cipher.update(block).toString('base64url')}`;
    },

    /** @returns undefined for what cannot be an id; one that was made up is a place that was never reached */
    read(id: string | undefined): Place | undefined {
      const [, epoch, sealed = ''] = EVENT_ID.exec(id ?? '') ?? [];
      if (epoch === undefined) return undefined;
      const decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
      const block = decipher.update(Buffer.from(sealed, 'base64url'));
      return { epoch, number: Number(block.readBigUInt64BE(NUMBER_AT)) };
    },
  };
}
