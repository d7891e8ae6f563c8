import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import { invalidFields } from '../../http/validate.ts';
import { apiKeyNotFound } from '../find-key.ts';
import { statusOf } from '../key.ts';
import type { Key } from '../key.ts';
import type { Reach } from '../rules/key-access.ts';
import type { KeyRepository } from '../rows/key-repository.ts';

/**
 * Locks a key that can be suspended and resumed until the transaction ends.
 * @throws AppError `api_key_not_found`, `validation_error` for a key that is revoked or has expired
 */
export async function lockLivingKey(
  { keys, clock }: { keys: Pick<KeyRepository, 'lock'>; clock: Clock },
  trx: Knex.Transaction,
  { organizationId, id, reach }: { organizationId: string; id: string; reach: Reach },
): Promise<Key> {
  const key = await keys.lock(trx, organizationId, id, reach);
  if (!key) throw apiKeyNotFound();
  const status = statusOf(key, clock());
  if (status === 'revoked' || status === 'expired') throw invalidFields({ id: `This key is ${status}, and stays so.` });
  return key;
}

type Named = { kind: string; id: string | undefined };

export function isSameActor(a: Named, b: Named): boolean {
  return a.kind === b.kind && a.id === b.id;
}
