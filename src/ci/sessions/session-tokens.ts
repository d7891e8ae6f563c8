import { createHmac, randomBytes } from 'node:crypto';
import type { DerivedKeys } from '../../secrets.ts';

const TOKEN = /^lkcs_[\w-]{43}$/;
const SECRET_BYTES = 32;

export type SessionTokens = ReturnType<typeof makeSessionTokens>;

/** Makes the opaque tokens of CI sessions, and the HMACs by which they are stored. */
export function makeSessionTokens(keys: DerivedKeys) {
  return {
    make(): { token: string; hash: Buffer } {
      const token = `lkcs_${randomBytes(SECRET_BYTES).toString('base64url')}`;
      return { token, hash: hashOf(keys[0], token) };
    },

    /** Returns the HMACs under which a token may be stored; none for a text that is no token. */
    hashesOf: (token: string): Buffer[] => (TOKEN.test(token) ? keys.map((key) => hashOf(key, token)) : []),
  };
}

function hashOf(key: Buffer, token: string): Buffer {
  return createHmac('sha256', key).update(token).digest();
}
