import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export type Sealing = ReturnType<typeof makeSealing>;

/**
 * Seals answers with AES-256-GCM under a key derived from the client's `Idempotency-Key` and the service's secret.
 * Neither the database nor the service alone can open one.
 */
export function makeSealing(secret: Buffer) {
  const keyFor = (clientKey: string, recordId: Buffer) =>
    Buffer.from(hkdfSync('sha256', clientKey, secret, recordId, 32));

  return {
    /** `recordId` binds the answer to one caller, route and key. */
    seal(answer: unknown, clientKey: string, recordId: Buffer): Buffer {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, keyFor(clientKey, recordId), iv).setAAD(recordId);
      const sealed = Buffer.concat([cipher.update(JSON.stringify(answer), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
    },

    /** @throws Error for an answer of another record, or one that was altered */
    unseal(sealed: Buffer, clientKey: string, recordId: Buffer): unknown {
      const iv = sealed.subarray(0, IV_BYTES);
      const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(ALGORITHM, keyFor(clientKey, recordId), iv, {
        authTagLength: TAG_BYTES,
      }).setAAD(recordId);
      decipher.setAuthTag(tag);
      const text = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8'));
    },
  };
}
