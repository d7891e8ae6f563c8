import { hkdfSync } from 'node:crypto';

/** Derives a key for one purpose from the service's secret, so that no two uses ever share one. 32 bytes. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'latchkey', purpose, 32));
}
