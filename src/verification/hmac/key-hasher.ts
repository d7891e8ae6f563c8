import type { KeptHash } from '../../api-keys/key.ts';
import { keyIdOf } from '../../secrets.ts';
import type { DerivedKeys } from '../../secrets.ts';
import { makeHmac } from './hmac.ts';
import type { Hmac } from './hmac.ts';

export type KeyHasher = ReturnType<typeof makeKeyHasher>;

/** Hashes keys with the current HMAC key, and with earlier ones to find what they have hashed. */
export function makeKeyHasher(keys: DerivedKeys) {
  const [current, ...previous] = keys.map(makeHmac) as [Hmac, ...Hmac[]];
  const hmacKeyIds = keys.map(keyIdOf) as [string, ...string[]];

  return {
    /** Returns a key's name in memory: its HMAC under the current key, a character for each byte. */
    nameOf: current,

    /** Returns what the mirror stores of a key. */
    keep: (presented: string): KeptHash => ({ secretHash: fromName(current(presented)), hmacKeyId: hmacKeyIds[0] }),

    /** Returns every HMAC under which the mirror may have the key, the current one first. */
    hashesOf: (presented: string, name: string): Buffer[] => [
      fromName(name),
      ...previous.map((hmac) => fromName(hmac(presented))),
    ],

    /** The ids of the HMAC keys, the current one first. */
    hmacKeyIds,
  };
}

function fromName(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}
