import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { ApiKeyCaller, CallerOrigin } from '../http/caller.ts';
import type { FailedCredentials } from '../limits/guesses/failed-credentials.ts';
import type { Decide } from './decide.ts';
import { isExpired, isRevoked } from './judge.ts';
import type { MirrorRecord } from './mirror-record.ts';
import { refusalOf } from './refusal.ts';
import { isUnresolved } from './resolve-key.ts';
import type { KeyResolver, Resolved, ResolveKey } from './resolve-key.ts';

type Deps = {
  resolveKey: ResolveKey;
  decide: Decide;
  failures: Pick<FailedCredentials, 'refusal'>;
  clock: Clock;
};

/** A caller with the key that it presented, and what is known of that key. */
export type PresentedKey = ApiKeyCaller & { readonly presented: string; readonly resolved: Resolved };
export type FindPresentedKey = ReturnType<typeof makeFindPresentedKey>;

/** A key that is good for nothing is refused whatever is asked of it. */
const ANY_USE = { environment: 'any', scopes: [], operation: 'read', cost: 0, lease: false } as const;

/**
 * Finds the key that a request presents as its credential.
 * @throws AppError `credential_invalid` for a key that is unknown or revoked, `credential_expired`, `credential_suspended`,
 * `workos_unavailable`, `rate_limited` for the address
 */
export function makeFindPresentedKey({ resolveKey, decide, failures, clock }: Deps) {
  return async function findPresentedKey(presented: string, from: CallerOrigin): Promise<PresentedKey> {
    const found = await resolveKey(presented, { guesser: { address: from.ip }, counted: true });
    if (isUnresolved(found)) throw failures.refusal(found.limited);
    if (found && isGood(found.record, clock())) return callerOf(presented, found);
    const question = { ...ANY_USE, ...from, presented };
    throw (
      refusalOf(await decide(found, question), question) ??
      new AppError('credential_invalid', 'The credential is not valid.')
    );
  };
}

/** Makes what finds a presented key that is good, and that current memory knows; undefined for any other. */
export function makePeekPresentedKey({ peekKey, clock }: Pick<KeyResolver, 'peekKey'> & Pick<Deps, 'clock'>) {
  return function peekPresentedKey(presented: string): PresentedKey | undefined {
    const found = peekKey(presented);
    return found && !found.stale && isGood(found.record, clock()) ? callerOf(presented, found) : undefined;
  };
}

function isGood(record: MirrorRecord, now: Date): boolean {
  return !isRevoked(record) && !isExpired(record, now) && !record.suspended;
}

export function isPresentedKey(caller: ApiKeyCaller): caller is PresentedKey {
  return 'resolved' in caller;
}

function callerOf(presented: string, resolved: Resolved): PresentedKey {
  const { record, stale } = resolved;
  const { organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes } = record;
  const key = { organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes };
  return { kind: 'api_key', ...key, stale, presented, resolved };
}
