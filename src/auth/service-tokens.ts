import { hash, timingSafeEqual } from 'node:crypto';
import type { ServiceCaller } from '../http/caller.ts';

type Configured = { name: string | undefined; token: string; scopes: readonly string[] };
type Entry = { hash: Buffer; caller: ServiceCaller };

const HASH_BYTES = 32;

/**
 * Finds the caller of a configured service token. Memory holds hashes alone; every hash is compared, each in constant
 * time.
 */
export function makeServiceTokens(tokens: readonly Configured[]): (token: string) => ServiceCaller | undefined {
  const known = tokens.map(toEntry);
  // One buffer for all calls: allocating one costs as much as the hash.
  const presented = Buffer.alloc(HASH_BYTES);
  return (token) => {
    presented.write(hash('sha256', token, 'binary'), 'latin1');
    return known.reduce<ServiceCaller | undefined>(
      (found, entry) => (timingSafeEqual(entry.hash, presented) ? entry.caller : found),
      undefined,
    );
  };
}

function toEntry({ name, token, scopes }: Configured): Entry {
  const hashed = hash('sha256', token, 'buffer');
  // The id in logs and audit events: one-way, and different for each token.
  const tokenId = `service_${hashed.toString('hex').slice(0, 12)}`;
  return { hash: hashed, caller: { kind: 'service', tokenId, name, scopes: new Set(scopes) } };
}
