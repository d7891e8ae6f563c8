import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export type Sealing = ReturnType<typeof makeSealing>;

/**
 * Seals an answer for the client that asked: the key is derived from the client's own idempotency key and a secret of
 * the service, so that neither the database nor the service alone can open it later.
 */
export function makeSealing(secret: Buffer) {
  const keyFor = (clientKey: string, place: Buffer) => Buffer.from(hkdfSync('sha256', clientKey, secret, place, 32));

  return {
    /** `place` binds the answer to one caller, route and key. */
    seal(answer: unknown, clientKey: string, place: Buffer): Buffer {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, keyFor(clientKey, place), iv).setAAD(place);
      const sealed = Buffer.concat([cipher.update(JSON.stringify(answer), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
    },

    /** @throws Error when it was sealed for somebody else or changed since */
    unseal(sealed: Buffer, clientKey: string, place: Buffer): unknown {
      const iv = sealed.subarray(0, IV_BYTES);
      const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(ALGORITHM, keyFor(clientKey, place), iv, { authTagLength: TAG_BYTES }).setAAD(
        place,
      );
      decipher.setAuthTag(tag);
      const text = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8'));
    },
  };
}
