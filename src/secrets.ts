import { createHmac, hash, hkdfSync, randomBytes } from 'node:crypto';

/** The service's secret, and previous ones under which stored hashes may still be. */
export type Secrets = { secret: string; previousSecrets: readonly string[] };

/** The HMAC keys of one purpose, the current one first. */
export type DerivedKeys = readonly [Buffer, ...Buffer[]];

/** Derives a key of 32 bytes for one purpose from the service's secret, so that no two purposes share a key. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'latchkey', purpose, 32));
}

export function deriveKeys({ secret, previousSecrets }: Secrets, purpose: string): DerivedKeys {
  return [deriveKey(secret, purpose), ...previousSecrets.map((previous) => deriveKey(previous, purpose))];
}

const KEY_ID_CHARACTERS = 8;

/** Returns the key id: 8 hexadecimal digits that identify a key without revealing it. */
export function keyIdOf(key: Buffer): string {
  return hash('sha256', key, 'hex').slice(0, KEY_ID_CHARACTERS);
}

const SECRET_BYTES = 32;

export type OpaqueTokens = ReturnType<typeof makeOpaqueTokens>;

/** Makes opaque tokens that begin with `prefix`, and the HMACs by which they are stored. */
export function makeOpaqueTokens(prefix: string, keys: DerivedKeys) {
  const form = new RegExp(`^${prefix}[\\w-]{43}$`);
  return {
    make(): { token: string; hash: Buffer } {
      const token = `${prefix}${randomBytes(SECRET_BYTES).toString('base64url')}`;
      return { token, hash: hashOf(keys[0], token) };
    },

    /** Returns the HMACs under which a token may be stored, the current one first; none for a text that is no token. */
    hashesOf: (token: string): Buffer[] => (form.test(token) ? keys.map((key) => hashOf(key, token)) : []),
  };
}

function hashOf(key: Buffer, token: string): Buffer {
  return createHmac('sha256', key).update(token).digest();
}
