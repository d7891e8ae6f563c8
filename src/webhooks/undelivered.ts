import type { Knex } from 'knex';
import { transaction } from '../db/transaction.ts';
import { RETRY_MS, wakeQueues } from './outbox-writer.ts';

export type Undelivered = {
  id: string;
  endpoint: string;
  organization_id: string;
  type: string;
  status: 'waiting' | 'dead';
  attempts: number;
  created_at: Date;
  last_failure: string | null;
};
type Place = { sequence: string };

const COLUMNS = [
  'id',
  'endpoint',
  'organization_id',
  'type',
  'status',
  'attempts',
  'created_at',
  'last_failure',
] as const satisfies (keyof Undelivered)[];

const PAGE = 1_000;

/** Lists what is not delivered, oldest first, a page at a time. */
export async function* undelivered(
  db: Knex,
  { dead, organizationId }: { dead: boolean; organizationId: string | undefined },
): AsyncGenerator<Undelivered> {
  for (let after: string | undefined; ;) {
    const query = db<Undelivered & Place>('outbox').whereIn('status', dead ? ['dead'] : ['waiting', 'dead']);
    if (organizationId !== undefined) void query.where({ organization_id: organizationId });
    if (after !== undefined) void query.where('sequence', '>', after);
    const page = await query
      .orderBy('sequence')
      .limit(PAGE)
      .select('sequence', ...COLUMNS);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.sequence;
  }
}

/** Enqueues a delivery again, in its old place before what waits. @returns whether there is one that has ended */
export function replayDelivery(db: Knex, id: string, now: Date): Promise<boolean> {
  return transaction(db, async (trx) => {
    const row = await trx<Undelivered>('outbox').where({ id }).first('endpoint', 'organization_id');
    return (
      row !== undefined && enqueueAgain(trx, { organizationId: row.organization_id, endpoint: row.endpoint, id }, now)
    );
  });
}

type Ended = { organizationId: string; endpoint: string; id: string };

/** Enqueues a delivery again, if it has ended. @returns whether it had */
export async function enqueueAgain(
  trx: Knex.Transaction,
  { organizationId, endpoint, id }: Ended,
  now: Date,
): Promise<boolean> {
  await wakeQueues(trx, organizationId, [endpoint], now);
  const replayed = await trx('outbox')
    .where({ organization_id: organizationId, id })
    .whereNot({ status: 'waiting' })
    .update({
      status: 'waiting',
      attempts: 0,
      ended_at: null,
      last_failure: null,
      retry_until: new Date(now.getTime() + RETRY_MS),
    });
  return replayed > 0;
}

/** Seconds that the oldest waiting delivery of each of these endpoints has waited. */
export async function oldestSeconds(
  db: Knex,
  endpoints: readonly string[],
  now: Date,
): Promise<Record<string, number>> {
  const rows = await db<Undelivered>('outbox')
    .where({ status: 'waiting' })
    .whereIn('endpoint', [...endpoints])
    .groupBy('endpoint')
    .select<{ endpoint: string; oldest: Date }[]>('endpoint', db.raw('min(created_at) as oldest'));
  const known = new Map(rows.map(({ endpoint, oldest }) => [endpoint, oldest]));
  const ageOf = (endpoint: string) => (now.getTime() - (known.get(endpoint) ?? now).getTime()) / 1_000;
  return Object.fromEntries(endpoints.map((endpoint) => [endpoint, ageOf(endpoint)]));
}
