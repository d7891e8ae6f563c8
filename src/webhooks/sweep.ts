import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { NOT_CONFIGURED } from './deliveries/delivery.ts';

type Deps = { db: Knex; endpoints: readonly string[]; clock: Clock };

const DAY_MS = 24 * 60 * 60_000;
const DELIVERED_DAYS = 7;
const DEAD_DAYS = 30;
/** Longer than the time between the first `api_key.expiring` and the expiry. */
const MARK_DAYS = 30;
const BATCH = 1_000;

/** Gives up deliveries to endpoints that are no longer configured, and deletes what has been kept long enough. */
export function makeSweepWebhooks({ db, endpoints, clock }: Deps) {
  const daysAgo = (days: number) => new Date(clock().getTime() - days * DAY_MS);
  const steps = [
    () => giveUp(db, endpoints, clock()),
    () => deleteEnded(db, 'delivered', daysAgo(DELIVERED_DAYS)),
    () => deleteEnded(db, 'dropped', daysAgo(DELIVERED_DAYS)),
    () => deleteEnded(db, 'dead', daysAgo(DEAD_DAYS)),
    () => deleteMarks(db, daysAgo(MARK_DAYS)),
  ];
  return async function sweepWebhooks(signal: AbortSignal): Promise<void> {
    for (const step of steps) while (!signal.aborted && (await step()) === BATCH);
  };
}

async function giveUp(db: Knex, endpoints: readonly string[], now: Date): Promise<number> {
  const lost = db('outbox')
    .where({ status: 'waiting' })
    .whereNotIn('endpoint', [...endpoints])
    .where('retry_until', '<', now)
    .limit(BATCH)
    .forUpdate()
    .skipLocked()
    .select('id');
  return db('outbox').whereIn('id', lost).update({ status: 'dead', ended_at: now, last_failure: NOT_CONFIGURED });
}

function deleteEnded(db: Knex, status: 'delivered' | 'dropped' | 'dead', before: Date): Promise<number> {
  const old = db('outbox').where({ status }).where('ended_at', '<', before).limit(BATCH).select('id');
  return db('outbox').whereIn('id', old).delete();
}

/** Deletes marks of expiries and limits. The mark of an unused key stays until the key is used. */
async function deleteMarks(db: Knex, before: Date): Promise<number> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `delete from notice_marks where (organization_id, subject, kind, at) in (
       select organization_id, subject, kind, at from notice_marks
       where kind in ('expiring_7', 'expiring_1', 'limit', 'limit_test') and told_at < ? limit ?
     ) returning 1`,
    [before, BATCH],
  );
  return rows.length;
}
