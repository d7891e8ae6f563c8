import type { Knex } from 'knex';
import type { Items } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import { mark, unmarkEarlier } from './marks.ts';
import { viewPublishedKey, webhookEvent } from '../webhook.ts';
import type { OutboxWriter, Since } from '../outbox-writer.ts';
import type { HoldKeys } from './publish-audited.ts';

type Deps = {
  db: Knex;
  outbox: Pick<OutboxWriter, 'publish'>;
  holdKeys: HoldKeys;
  since: () => Promise<Since>;
  items: Pick<Items, 'each'>;
  clock: Clock;
};
type Row = { organization_id: string; id: string; workos_id: string; is_due: boolean };

const UNUSED_DAYS = 90;
const DAY_MS = 24 * 60 * 60_000;
const KIND = 'unused';
const PAGE = 1_000;

/** Finds keys unused for 90 days since their last use or creation, and publishes each once for each such period. */
export function makePublishUnused(deps: Deps) {
  return async function publishUnused(signal: AbortSignal): Promise<void> {
    const since = await deps.since();
    for (let after: Row | undefined; !signal.aborted;) {
      const page = await pageOfKeys(deps.db, after, deps.clock());
      const due = page.filter((row) => row.is_due);
      await deps.items.each(due, {
        name: ({ workos_id: id, organization_id: organizationId }) => ({ id, organizationId }),
        work: (row) => transaction(deps.db, (trx) => publish(deps, trx, row, since)),
        signal,
      });
      if (page.length < PAGE) return;
      after = page.at(-1);
    }
  };
}

async function publish(
  { outbox, holdKeys, clock }: Deps,
  trx: Knex.Transaction,
  row: Row,
  since: Since,
): Promise<void> {
  const { organization_id: organizationId, workos_id: subject } = row;
  const [key] = await holdKeys(trx, organizationId, [subject]);
  const now = clock();
  if (!key || key.revokedAt || (key.expiresAt && key.expiresAt <= now)) return;
  const lastUsedAt = await lastUseOf(trx, organizationId, subject);
  const at = lastUsedAt ?? key.createdAt;
  const dueAt = new Date(at.getTime() + UNUSED_DAYS * DAY_MS);
  if (dueAt > now || !(await mark(trx, { organizationId, subject, kind: KIND, at }, now))) return;
  await unmarkEarlier(trx, { organizationId, subject, kind: KIND, at });
  const data = {
    api_key: viewPublishedKey(key, now),
    details: { unused_days: UNUSED_DAYS, last_used_at: lastUsedAt?.toISOString() ?? null },
  };
  await outbox.publish(trx, organizationId, [webhookEvent('api_key.unused', organizationId, dueAt, data)], since);
}

async function lastUseOf(trx: Knex.Transaction, organizationId: string, keyId: string): Promise<Date | undefined> {
  const row = await trx<{ organization_id: string; key_id: string; used_at: Date }>('key_last_uses')
    .where({ organization_id: organizationId, key_id: keyId })
    .first('used_at');
  return row?.used_at;
}

/** Lists keys old enough to be unused for so long, a page at a time in the order of an index. */
async function pageOfKeys(db: Knex, after: Row | undefined, now: Date): Promise<Row[]> {
  const before = new Date(now.getTime() - UNUSED_DAYS * DAY_MS);
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select key.organization_id, key.id, key.workos_id,
       coalesce(use.used_at, key.created_at) <= ? and mark.subject is null as is_due
     from (
       select organization_id, id, workos_id, created_at from api_keys
       where (organization_id, id) > (?, ?) and status = 'active' and created_at <= ?
         and (expires_at is null or expires_at > ?)
       order by organization_id, id limit ?
     ) as key
     left join key_last_uses as use on use.organization_id = key.organization_id and use.key_id = key.workos_id
     left join notice_marks as mark on mark.organization_id = key.organization_id and mark.subject = key.workos_id
       and mark.kind = ? and mark.at = coalesce(use.used_at, key.created_at)
     order by key.organization_id, key.id`,
    [before, after?.organization_id ?? '', after?.id ?? '', before, now, PAGE, KIND],
  );
  return rows;
}
