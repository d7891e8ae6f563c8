import type { Knex } from 'knex';
import { auditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import type { TenantCaller } from '../http/caller.ts';
import type { RequestContext } from '../http/route.ts';
import { apiKeyNotFound } from './find-key.ts';
import type { KeyRepository } from './key-repository.ts';
import type { KeyChange } from './key-writer.ts';
import type { Key } from './key.ts';

type Deps = { db: Knex; keys: KeyRepository; audit: AuditLog; clock: Clock };

/** Changes what people call a key; what it may do never changes. @throws AppError `api_key_not_found` */
export function makeUpdateKey({ db, keys, audit, clock }: Deps) {
  return function updateKey(
    caller: TenantCaller,
    id: string,
    change: KeyChange,
    context: RequestContext,
  ): Promise<Key> {
    return transaction(db, async (trx) => {
      const before = await keys.lock(trx, caller.organizationId, id);
      if (!before) throw apiKeyNotFound();
      const after = await keys.update(trx, before, change, clock());
      await audit.append(trx, {
        ...auditSource(caller, context),
        organizationId: before.organizationId,
        action: 'api_key.updated',
        target: { kind: 'api_key', id },
        details: { changed: Object.keys(change) },
      });
      return after;
    });
  };
}
