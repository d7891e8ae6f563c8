import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { ApiKeyCaller } from '../http/caller.ts';
import { isExpired, isRevoked } from './judge.ts';
import type { ResolveKey } from './resolve-key.ts';

type Deps = { resolveKey: ResolveKey; clock: Clock };

/**
 * The caller behind an API key that Latchkey's own routes are asked with; what verification says of other people's
 * keys is said of these in the same way.
 * @throws AppError `credential_expired`, `workos_unavailable`
 */
export function makeFindApiKey({ resolveKey, clock }: Deps) {
  return async function findApiKey(presented: string): Promise<ApiKeyCaller | undefined> {
    const resolved = await resolveKey(presented);
    if (!resolved || isRevoked(resolved.record)) return undefined;
    const { record } = resolved;
    if (isExpired(record, clock())) throw new AppError('credential_expired', 'The API key has expired.');
    const { organizationId, keyId, label, permissionSet, scopes } = record;
    return { kind: 'api_key', organizationId, keyId, label, permissionSet, scopes };
  };
}
