import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { notSetAside } from '../background/items.ts';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { keyEvent } from './key-audit.ts';
import type { KeyRepository } from './rows/key-repository.ts';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'lock' | 'revoke'>;
  audit: Pick<AuditLog, 'append'>;
  items: Pick<Items, 'each'>;
  clock: Clock;
};
type Expired = { organization_id: string; workos_id: string };

export const PURGE_LOOP = 'purge_ci_keys';
const DAY_MS = 24 * 60 * 60_000;
/** How long a key of a CI job is kept after its expiry. */
const KEPT_MS = 30 * DAY_MS;
/** By then WorkOS's event of the deletion is here; one without a row would make a row of its own. */
const DELETED_MS = DAY_MS;
/** The settler deletes them at WorkOS, and has other work besides. */
const BATCH = 100;

/**
 * Purges keys of CI jobs that expired 30 days ago, since a busy organization makes thousands: revokes them, so that the
 * settler deletes them at WorkOS, and deletes their rows a day after that. The audit log keeps what happened.
 */
export function makePurgeCiKeys(deps: Deps) {
  return async function purgeCiKeys(signal: AbortSignal): Promise<void> {
    await deps.items.each(await findExpired(deps), {
      name: ({ workos_id: id, organization_id: organizationId }) => ({ id, organizationId }),
      work: (key) => transaction(deps.db, (trx) => revoke(deps, trx, key)),
      signal,
    });
    while (!signal.aborted && (await deleteRows(deps)) === BATCH);
  };
}

async function findExpired({ db, clock }: Deps): Promise<Expired[]> {
  const now = clock();
  const { rows } = await db.raw<{ rows: Expired[] }>(
    `select organization_id, workos_id from api_keys
     where origin = 'ci' and due_at is null and expires_at <= ? and status = 'active'
       and ${notSetAside(PURGE_LOOP, 'workos_id')}
     order by expires_at limit ?`,
    [new Date(now.getTime() - KEPT_MS), now, BATCH],
  );
  return rows;
}

async function revoke({ keys, audit, clock }: Deps, trx: Knex.Transaction, expired: Expired): Promise<void> {
  const { organization_id: organizationId, workos_id: id } = expired;
  const key = await keys.lock(trx, organizationId, id);
  if (!key || key.revokedAt) return;
  const now = clock();
  await keys.revoke(trx, key, now, now);
  const details = { label: key.label, reason: 'expired' };
  await audit.append(
    trx,
    keyEvent(organizationId, id, 'api_key.revoked', backgroundSource('system', PURGE_LOOP), details),
  );
}

async function deleteRows({ db, clock }: Deps): Promise<number> {
  const now = clock().getTime();
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `delete from api_keys where (organization_id, id) in (
       select organization_id, id from api_keys
       where origin = 'ci' and due_at is null and expires_at <= ? and status in ('revoked', 'failed')
         and coalesce(workos_deleted_at, case when workos_id is null then updated_at end) <= ?
       limit ? for update skip locked
     ) returning 1`,
    [new Date(now - KEPT_MS), new Date(now - DELETED_MS), BATCH],
  );
  return rows.length;
}
