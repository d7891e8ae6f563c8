import { hash, hkdfSync } from 'node:crypto';

/** The service's secret, and those before it by which something may still be known. */
export type Secrets = { secret: string; previousSecrets: readonly string[] };

/** The keys of one purpose, the current one first. */
export type DerivedKeys = readonly [Buffer, ...Buffer[]];

/** Derives a key for one purpose from the service's secret, so that no two uses ever share one. 32 bytes. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'latchkey', purpose, 32));
}

export function deriveKeys({ secret, previousSecrets }: Secrets, purpose: string): DerivedKeys {
  return [deriveKey(secret, purpose), ...previousSecrets.map((previous) => deriveKey(previous, purpose))];
}

const KEY_ID_CHARACTERS = 8;

/** Says which key made something, and nothing of the key. 8 hexadecimal digits. */
export function keyIdOf(key: Buffer): string {
  return hash('sha256', key, 'hex').slice(0, KEY_ID_CHARACTERS);
}
