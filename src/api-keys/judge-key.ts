import type { Knex } from 'knex';
import { AppError } from '../errors.ts';
import type { TenantCaller } from '../http/caller.ts';
import { reserve, scopesGiven } from './create-key.ts';
import type { Admission, CreateKeyInput } from './create-key.ts';
import type { AssertRequirements } from './rules/assert-requirements.ts';
import type { KeyChanges } from './rules/key-changes.ts';
import { assertHeld } from './rules/key-choice.ts';

type Deps = Admission & {
  db: Knex;
  scopesOf: (permissionSet: string) => readonly string[];
  keyChanges: Pick<KeyChanges, 'count'>;
  assertRequirements: AssertRequirements;
};

/** What a creation would make. */
export type JudgedKey = CreateKeyInput & { scopes: readonly string[]; expiresAt: Date | undefined };

/**
 * Judges a creation by the same rules, and leaves nothing behind: WorkOS is asked about requirements of scopes alone, and the transaction is rolled back. It
 * counts as a change of keys, because it locks the tenant as one does.
 * @throws AppError as a creation does, and `rate_limited`
 */
export function makeJudgeKey(deps: Deps) {
  return async function judgeKey(caller: TenantCaller, input: CreateKeyInput): Promise<JudgedKey> {
    if (input.chosenScopes) assertHeld(caller, input.chosenScopes);
    await deps.keyChanges.count(caller.organizationId);
    const scopes = scopesGiven(deps, input);
    const { permissionSet } = input;
    await deps.assertRequirements(caller.organizationId, { permissionSet, scopes });
    const trx = await deps.db.transaction();
    try {
      const reserved = await reserve(deps, trx, caller, input);
      if (reserved instanceof AppError) throw reserved;
      return { ...input, scopes, expiresAt: reserved.expiresAt };
    } finally {
      await trx.rollback();
    }
  };
}
