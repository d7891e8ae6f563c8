import { deriveKeys } from '../secrets.ts';
import type { DerivedKeys, Secrets } from '../secrets.ts';
import { makeChain } from './chain.ts';
import type { Chain } from './chain.ts';

/** Makes the chain of audit events, with keys derived from the service's secrets. */
export function makeAuditChain(secrets: Secrets): Chain {
  return makeChain(deriveKeys(secrets, 'audit chain'));
}

/** Derives the keys that sign seals. Their purpose differs from that of links, so that neither passes for the other. */
export function sealKeysOf(secrets: Secrets): DerivedKeys {
  return deriveKeys(secrets, 'audit seal');
}
