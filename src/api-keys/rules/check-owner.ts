import type { Knex } from 'knex';
import { AppError } from '../../errors.ts';
import type { ActingCaller, UserCaller } from '../../http/caller.ts';

/** Records the membership and permissions that a person's session proves. @returns whether they are a member */
type RecordMember = (trx: Knex.Transaction, caller: UserCaller) => Promise<boolean>;
export type CheckOwner = ReturnType<typeof makeCheckOwner>;

/**
 * Lets only its owner, who must be a member, create or rotate a personal key. Keys of organizations pass.
 * @throws AppError `permission_denied`
 */
export function makeCheckOwner(recordMember: RecordMember) {
  return async function checkOwner(
    trx: Knex.Transaction,
    caller: ActingCaller,
    ownerUserId: string | undefined,
  ): Promise<void> {
    if (ownerUserId === undefined) return;
    if (!isOwner(caller, ownerUserId)) throw onlyOwner();
    if (!(await recordMember(trx, caller)))
      throw new AppError('permission_denied', 'This membership has ended. Sign in again.');
  };
}

export function isOwner(caller: ActingCaller, ownerUserId: string): caller is UserCaller {
  return caller.kind === 'user' && caller.userId === ownerUserId;
}

export function onlyOwner(): AppError {
  return new AppError('permission_denied', 'Only its owner can rotate a personal key. Sign in as the owner.');
}
