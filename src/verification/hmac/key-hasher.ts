import type { KeptHash } from '../../api-keys/key.ts';
import { keyIdOf } from '../../secrets.ts';
import type { DerivedKeys } from '../../secrets.ts';
import { makeHmac } from './hmac.ts';
import type { Hmac } from './hmac.ts';

export type KeyHasher = ReturnType<typeof makeKeyHasher>;

/** Hashes keys by the current secret, and finds what an earlier one has hashed. */
export function makeKeyHasher(keys: DerivedKeys) {
  const [current, ...previous] = keys.map(makeHmac) as [Hmac, ...Hmac[]];
  const hmacKeyIds = keys.map(keyIdOf) as [string, ...string[]];

  return {
    /** By which name memory knows a key: its hash by the current secret, in base64. */
    nameOf: current,

    /** What the mirror keeps of a key from now on. */
    keep: (presented: string): KeptHash => ({ secretHash: fromName(current(presented)), hmacKeyId: hmacKeyIds[0] }),

    /** Every hash by which the mirror may know the key with this name, the current one first. */
    hashesOf: (presented: string, name: string): Buffer[] => [
      fromName(name),
      ...previous.map((hashBy) => fromName(hashBy(presented))),
    ],

    /** The names of the keys of hashes, the current one first. */
    hmacKeyIds,
  };
}

function fromName(name: string): Buffer {
  return Buffer.from(name, 'base64');
}
