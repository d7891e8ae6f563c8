import type { Knex } from 'knex';
import { AppError } from '../../errors.ts';
import type { Policy } from './policy.ts';

type Counts = { ofOrganization: number; ofPolicy: number };
/** Counts the unexpired keys of CI jobs. */
export type CountKeys = (trx: Knex.Transaction, organizationId: string, policyId: string, now: Date) => Promise<Counts>;

/** Refuses a key that has no place, while the tenant is locked. @throws AppError `key_limit_reached` */
export async function assertPlace(
  countKeys: CountKeys,
  trx: Knex.Transaction,
  policy: Pick<Policy, 'organizationId' | 'id' | 'maxActiveKeys'>,
  { ciKeyLimit, now }: { ciKeyLimit: number; now: Date },
): Promise<void> {
  const { ofOrganization, ofPolicy } = await countKeys(trx, policy.organizationId, policy.id, now);
  if (ofPolicy >= policy.maxActiveKeys) throw limitReached('This CI policy', policy.maxActiveKeys, 'ci_policy');
  if (ofOrganization >= ciKeyLimit) throw limitReached('CI jobs of this organization', ciKeyLimit, 'organization');
}

function limitReached(subject: string, limit: number, scope: 'ci_policy' | 'organization'): AppError {
  const message = `${subject} can have at most ${limit} active keys. Wait until one expires, or revoke one.`;
  return new AppError('key_limit_reached', message, { details: { limit, scope } });
}
