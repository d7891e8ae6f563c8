import { createHash, timingSafeEqual } from 'node:crypto';
import type { ServiceCaller } from '../http/caller.ts';

type Entry = { hash: Buffer; caller: ServiceCaller };

/**
 * The service tokens of the configuration. Only their hashes are kept, and every hash is compared, each in constant
 * time.
 */
export function makeServiceTokens(
  tokens: readonly { token: string; scopes: readonly string[] }[],
): (token: string) => ServiceCaller | undefined {
  const known = tokens.map(({ token, scopes }) => toEntry(token, scopes));
  return (token) => {
    const hash = sha256(token);
    return known.reduce<ServiceCaller | undefined>(
      (found, entry) => (timingSafeEqual(entry.hash, hash) ? entry.caller : found),
      undefined,
    );
  };
}

function toEntry(token: string, scopes: readonly string[]): Entry {
  const hash = sha256(token);
  // The hash names the token in logs and audit events: it cannot be turned back and differs for each.
  const tokenId = `service_${hash.toString('hex').slice(0, 12)}`;
  return { hash, caller: { kind: 'service', tokenId, scopes: new Set(scopes) } };
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
