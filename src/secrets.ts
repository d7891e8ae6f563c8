import { hash, hkdfSync } from 'node:crypto';

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
