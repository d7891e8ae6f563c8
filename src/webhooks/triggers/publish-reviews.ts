import type { Knex } from 'knex';
import type { Finding } from '../../access-reviews/reviewed-key.ts';
import { notSetAside } from '../../background/items.ts';
import type { Items } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { OutboxWriter } from '../outbox-writer.ts';
import { webhookEvent } from '../webhook.ts';
import { markAgain } from './marks.ts';

type Deps = {
  db: Knex;
  outbox: Pick<OutboxWriter, 'publish'>;
  /** Counts the keys of an organization that a review finds, by finding, and the creators of whom that is not known. */
  countFound: (
    organizationId: string,
    now: Date,
  ) => Promise<{ keys: number; findings: Readonly<Record<Finding, number>>; unknownCreators: number }>;
  everyDays: number;
  items: Pick<Items, 'each'>;
  clock: Clock;
};

export const REVIEWS_LOOP = 'publish_access_reviews';
const KIND = 'access_review';
const DAY_MS = 24 * 60 * 60_000;
const BATCH = 200;

/** Publishes the counts of the access review of each organization with active keys, once in so many days. */
export function makePublishReviews(deps: Deps) {
  return async function publishReviews(signal: AbortSignal): Promise<void> {
    for (let after = ''; ;) {
      const due = await findDue(deps, after);
      await deps.items.each(due, {
        name: (organizationId) => ({ id: organizationId, organizationId }),
        work: (organizationId) => publish(deps, organizationId),
        signal,
      });
      if (due.length < BATCH || signal.aborted) return;
      after = due.at(-1)!;
    }
  };
}

async function publish({ db, outbox, countFound, everyDays, clock }: Deps, organizationId: string): Promise<void> {
  const now = clock();
  const { keys, findings, unknownCreators } = await countFound(organizationId, now);
  const notSince = new Date(now.getTime() - everyDays * DAY_MS);
  await transaction(db, async (trx) => {
    if (!(await markAgain(trx, { organizationId, subject: organizationId, kind: KIND }, { now, notSince }))) return;
    const data = { details: { keys, ...findings, unknown_creators: unknownCreators } };
    await outbox.publish(trx, organizationId, [webhookEvent('access_review.ready', organizationId, now, data)]);
  });
}

async function findDue({ db, everyDays, clock }: Deps, after: string): Promise<string[]> {
  const now = clock();
  const { rows } = await db.raw<{ rows: { organization_id: string }[] }>(
    `select tenant.organization_id from tenants as tenant
     left join notice_marks as mark on mark.organization_id = tenant.organization_id
       and mark.subject = tenant.organization_id and mark.kind = ?
     where tenant.organization_id > ? and tenant.deleted_at is null and (mark.told_at is null or mark.told_at <= ?)
       and exists (select from api_keys as key where key.organization_id = tenant.organization_id and key.status = 'active')
       and ${notSetAside(REVIEWS_LOOP, 'tenant.organization_id')}
     order by tenant.organization_id limit ?`,
    [KIND, after, new Date(now.getTime() - everyDays * DAY_MS), now, BATCH],
  );
  return rows.map(({ organization_id: id }) => id);
}
