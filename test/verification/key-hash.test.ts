import { createHmac, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeHashKey } from '../../src/verification/key-hash.ts';

test('is HMAC-SHA-256, for every key and text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.string({ unit: 'binary' }), (secret, text) => {
      const expected = createHmac('sha256', secret).update(text).digest();
      expect(makeHashKey(Buffer.from(secret))(text).equals(expected)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('refuses a key that HMAC would have to hash first', () => {
  expect(() => makeHashKey(randomBytes(65))).toThrow('at most 64 bytes');
});
