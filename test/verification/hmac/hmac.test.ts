import { createHmac, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeHmac } from '../../../src/verification/hmac/hmac.ts';

const hmac = (secret: Uint8Array, text: string) =>
  createHmac('sha256', secret).update(text).digest().toString('latin1');
const secret = fc.uint8Array({ minLength: 1, maxLength: 64 });
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.string({ minLength: 300, maxLength: 2_000, size: 'max' }),
);

test('is HMAC-SHA-256, for every key and text, whatever was hashed before', () => {
  fc.assert(
    fc.property(secret, fc.array(text, { minLength: 1, maxLength: 6 }), (key, texts) => {
      const hmacKeyId = makeHmac(Buffer.from(key));
      expect(texts.map(hmacKeyId)).toEqual(texts.map((one) => hmac(key, one)));
    }),
    { numRuns: 300 },
  );
});

test.each([0, 1, 340, 341, 342, 1_023, 1_024, 1_025, 10_000])(
  'is the same for %d characters of any width',
  (length) => {
    const key = randomBytes(32);
    const hmacKeyId = makeHmac(key);
    for (const character of ['a', 'é', '鍵']) {
      const long = character.repeat(length);
      expect(hmacKeyId(long)).toBe(hmac(key, long));
      expect(hmacKeyId('short')).toBe(hmac(key, 'short'));
    }
  },
);

test('refuses a key that HMAC would have to hash first', () => {
  expect(() => makeHmac(randomBytes(65))).toThrow('at most 64 bytes');
});
