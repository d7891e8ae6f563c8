import type { z } from 'zod';
import type { ActingCaller } from '../../http/caller.ts';
import type { KeySchemas } from '../key-schemas.ts';
import type { KeyFilter } from '../rows/key-list.ts';
import { onlyOwn, ownOf, reachOf, reachesOwnOnly } from './key-access.ts';

type SentFilters = Omit<z.output<KeySchemas['ListKeysQuery']>, 'limit' | 'after' | 'before' | 'sort' | 'count'>;

/**
 * Reads the filters of a list, narrowed to what the caller reaches.
 * @throws AppError `permission_denied` for owners that the caller does not reach
 */
export function readFilter(caller: ActingCaller, { expires_before: before, owner, ...sent }: SentFilters): KeyFilter {
  const { permission_set: permissionSet, status, environment, q } = sent;
  const expiresBefore = before === undefined ? undefined : new Date(before);
  // A CI session sees the keys of CI jobs alone, which other lists leave out.
  const origin = sent.origin ?? (caller.kind === 'ci' ? 'ci' : undefined);
  return { status, permissionSet, expiresBefore, owner: readOwner(caller, owner), origin, environment, q };
}

function readOwner(caller: ActingCaller, owner: 'organization' | 'user' | 'me' | undefined): KeyFilter['owner'] {
  if (owner === 'me') return ownOf(caller);
  const reach = reachOf(caller, 'read');
  if (owner === 'organization' && reachesOwnOnly(reach)) throw onlyOwn();
  return reach ?? owner;
}
