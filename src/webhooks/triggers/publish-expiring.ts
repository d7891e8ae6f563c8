import type { Knex } from 'knex';
import { notSetAside } from '../../background/items.ts';
import type { Items } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { Key } from '../../api-keys/key.ts';
import { mark } from './marks.ts';
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
type Expiring = { organizationId: string; id: string };

const DAY_MS = 24 * 60 * 60_000;
/** Days before the expiry of a key on which `api_key.expiring` is published. */
const DAYS = [7, 1] as const;
const BATCH = 200;
export const EXPIRING_LOOP = 'tell_expiring';

/** Finds keys that expire soon, other than those of CI jobs, and publishes each once for each of the days and each expiry. */
export function makePublishExpiring(deps: Deps) {
  return async function publishExpiring(signal: AbortSignal): Promise<void> {
    const since = await deps.since();
    while (!signal.aborted) {
      const expiring = await findExpiring(deps.db, deps.clock());
      await deps.items.each(expiring, {
        name: ({ id, organizationId }) => ({ id, organizationId }),
        work: (key) => transaction(deps.db, (trx) => publish(deps, trx, key, since)),
        signal,
      });
      if (expiring.length < BATCH) return;
    }
  };
}

async function publish(
  { outbox, holdKeys, clock }: Deps,
  trx: Knex.Transaction,
  { organizationId, id }: Expiring,
  since: Since,
): Promise<void> {
  const [key] = await holdKeys(trx, organizationId, [id]);
  const now = clock();
  if (!key?.expiresAt || key.revokedAt || key.expiresAt <= now) return;
  const fresh = await markDue(trx, key, now);
  // If both days have passed since the loop ran last, only the nearer one is published.
  const nearest = Math.min(...fresh);
  const dueAt = new Date(key.expiresAt.getTime() - nearest * DAY_MS);
  // Skips a day that the key never had, because it was created with less time left, or that was published before its rotation.
  const begun = key.rotatedTo === undefined ? key.createdAt : key.updatedAt;
  if (fresh.length === 0 || dueAt < begun) return;
  const happenedAt = dueAt < key.updatedAt ? key.updatedAt : dueAt;
  const daysLeft = Math.ceil((key.expiresAt.getTime() - now.getTime()) / DAY_MS);
  const data = { api_key: viewPublishedKey(key, now), details: { days_left: daysLeft } };
  await outbox.publish(
    trx,
    organizationId,
    [webhookEvent('api_key.expiring', organizationId, happenedAt, data)],
    since,
  );
}

/** @returns the days that are due and were not published before; none when a nearer one was */
async function markDue(trx: Knex.Transaction, key: Key, now: Date): Promise<number[]> {
  const { organizationId, id: subject, expiresAt: at } = key;
  const due = DAYS.filter((days) => at!.getTime() - days * DAY_MS <= now.getTime());
  const fresh: number[] = [];
  for (const days of due) {
    if (await mark(trx, { organizationId, subject, kind: kindOf(days), at: at! }, now)) fresh.push(days);
  }
  return fresh.includes(Math.min(...due)) ? fresh : [];
}

const kindOf = (days: number) => `expiring_${days}`;

async function findExpiring(db: Knex, now: Date): Promise<Expiring[]> {
  const { rows } = await db.raw<{ rows: { organization_id: string; workos_id: string }[] }>(
    `select distinct key.organization_id, key.workos_id
     from api_keys as key cross join unnest(?::integer[]) as due (days)
     where key.status = 'active' and key.origin <> 'ci' and key.expires_at > ?::timestamptz
       and key.expires_at <= ?::timestamptz + make_interval(hours => 24 * due.days)
       and key.expires_at <= ?::timestamptz
       and not exists (
         select from notice_marks as mark
         where mark.organization_id = key.organization_id and mark.subject = key.workos_id
           and mark.kind = 'expiring_' || due.days and mark.at = key.expires_at
       )
       and ${notSetAside(EXPIRING_LOOP, 'key.workos_id')}
     order by 1, 2 limit ?`,
    [[...DAYS], now, now, new Date(now.getTime() + Math.max(...DAYS) * DAY_MS), now, BATCH],
  );
  return rows.map((row) => ({ organizationId: row.organization_id, id: row.workos_id }));
}
