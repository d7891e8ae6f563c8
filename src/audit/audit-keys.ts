import { deriveKeys } from '../secrets.ts';
import type { DerivedKeys, Secrets } from '../secrets.ts';
import { makeChain } from './chain.ts';
import type { Chain } from './chain.ts';

/** The chain of audit events, by keys of the service's secrets. */
export function makeAuditChain(secrets: Secrets): Chain {
  return makeChain(deriveKeys(secrets, 'audit chain'));
}

/** What signs seals; another purpose than links, so that neither can pass for the other. */
export function sealKeysOf(secrets: Secrets): DerivedKeys {
  return deriveKeys(secrets, 'audit seal');
}
