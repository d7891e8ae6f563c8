import { hash, timingSafeEqual } from 'node:crypto';
import type { ServiceCaller } from '../http/caller.ts';

type Entry = { hash: Buffer; caller: ServiceCaller };

const HASH_BYTES = 32;

/**
 * The service tokens of the configuration. Only their hashes are kept, and every hash is compared, each in constant
 * time.
 */
export function makeServiceTokens(
  tokens: readonly { token: string; scopes: readonly string[] }[],
): (token: string) => ServiceCaller | undefined {
  const known = tokens.map(({ token, scopes }) => toEntry(token, scopes));
  // Written anew at each call: a buffer of its own would cost as much as the hash.
  const presented = Buffer.alloc(HASH_BYTES);
  return (token) => {
    presented.write(hash('sha256', token, 'binary'), 'latin1');
    return known.reduce<ServiceCaller | undefined>(
      (found, entry) => (timingSafeEqual(entry.hash, presented) ? entry.caller : found),
      undefined,
    );
  };
}

function toEntry(token: string, scopes: readonly string[]): Entry {
  const hashed = hash('sha256', token, 'buffer');
  // The hash names the token in logs and audit events: it cannot be turned back and differs for each.
  const tokenId = `service_${hashed.toString('hex').slice(0, 12)}`;
  return { hash: hashed, caller: { kind: 'service', tokenId, scopes: new Set(scopes) } };
}
