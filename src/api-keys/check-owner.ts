import type { Knex } from 'knex';
import { AppError } from '../errors.ts';
import type { TenantCaller, UserCaller } from '../http/caller.ts';

/** Notes what a person's session says of them. @returns whether they are a member */
type HeardFrom = (trx: Knex.Transaction, caller: UserCaller) => Promise<boolean>;
export type CheckOwner = ReturnType<typeof makeCheckOwner>;

/**
 * Before a person's key is made: what the person may do is known from then on.
 * @throws AppError `permission_denied` for anybody else, and for one who is no member any more
 */
export function makeCheckOwner(heardFrom: HeardFrom) {
  return async function checkOwner(
    trx: Knex.Transaction,
    caller: TenantCaller,
    ownerUserId: string | undefined,
  ): Promise<void> {
    if (ownerUserId === undefined) return;
    if (!isOwner(caller, ownerUserId)) throw onlyOwner();
    if (!(await heardFrom(trx, caller)))
      throw new AppError('permission_denied', 'This membership has ended. Sign in again.');
  };
}

export function isOwner(caller: TenantCaller, ownerUserId: string): caller is UserCaller {
  return caller.kind === 'user' && caller.userId === ownerUserId;
}

export function onlyOwner(): AppError {
  return new AppError('permission_denied', 'The secret of a personal key is given to its owner alone.');
}
