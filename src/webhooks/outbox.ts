import type { Knex } from 'knex';
import { transaction } from '../db/transaction.ts';
import { MAX_RECENT } from './deliveries/delivery.ts';
import type { DeliveryError, RecentAttempt } from './deliveries/delivery.ts';

/** The deliveries of one organization to one endpoint, leased to the holder that sends them in order. */
export type DeliveryQueue = { endpoint: string; organizationId: string; holder: string };
export type Delivery = { id: string; type: string; body: string; attempts: number; retryUntil: Date };
export type Outbox = ReturnType<typeof makeOutbox>;
/** The result of an attempt; at `due` the queue may be claimed again, by its next attempt or because its holder is gone. */
export type Attempt = { at: Date; due: Date; status: number | undefined } & (
  | { outcome: 'delivered' }
  | { outcome: 'failed' | 'dead' | 'dropped'; failure: string; error: DeliveryError }
);
type Row = {
  id: string;
  endpoint: string;
  organization_id: string;
  sequence: string;
  type: string;
  body: string;
  status: 'waiting' | 'delivered' | 'dropped' | 'dead';
  attempts: number;
  retry_until: Date;
};

/** The outbox, for the loops that deliver. */
export function makeOutbox(db: Knex) {
  return {
    /** Claims queues that are due and have no holder, those that wait longest first. */
    async claim(endpoint: string, now: Date, heldUntil: Date, limit: number): Promise<DeliveryQueue[]> {
      const { rows } = await db.raw<{ rows: { organization_id: string; holder: string }[] }>(
        `with due as materialized (
           select organization_id from outbox_lanes where endpoint = ? and due_at <= ?
           order by due_at limit ? for update skip locked
         )
         update outbox_lanes as lane set due_at = ?, holder = lane.holder + 1
         from due where lane.endpoint = ? and lane.organization_id = due.organization_id
         returning lane.organization_id, lane.holder`,
        [endpoint, now, limit, heldUntil, endpoint],
      );
      return rows.map(({ organization_id: organizationId, holder }) => ({ endpoint, organizationId, holder }));
    },

    /** Lists what waits in a queue, in order. */
    async waiting({ endpoint, organizationId }: DeliveryQueue, limit: number): Promise<Delivery[]> {
      const rows = await db<Row>('outbox')
        .where({ endpoint, organization_id: organizationId, status: 'waiting' })
        .orderBy('sequence')
        .limit(limit)
        .select('id', 'type', 'body', 'attempts', 'retry_until');
      return rows.map(({ retry_until: retryUntil, ...delivery }) => ({ ...delivery, retryUntil }));
    },

    /** @returns false, with nothing recorded, when another holder has the queue */
    record: (queue: DeliveryQueue, { id }: Delivery, attempt: Attempt): Promise<boolean> =>
      transaction(db, async (trx) => {
        if (!(await hold(trx, queue))) return false;
        await ofQueue(trx, queue).update({ due_at: attempt.due });
        await trx('outbox').where({ id }).update(columnsOf(trx, attempt));
        return true;
      }),

    /** Gives a queue back. A transaction that publishes locks it until its commit, so that no delivery stays unseen. */
    release: (queue: DeliveryQueue, now: Date): Promise<void> =>
      transaction(db, async (trx) => {
        if (!(await hold(trx, queue))) return;
        const { endpoint, organizationId } = queue;
        const left = await trx('outbox')
          .where({ endpoint, organization_id: organizationId, status: 'waiting' })
          .first('id');
        await ofQueue(trx, queue).update({ due_at: left ? now : null });
      }),
  };
}

async function hold(trx: Knex.Transaction, queue: DeliveryQueue): Promise<boolean> {
  return (await ofQueue(trx, queue).forUpdate().first('holder')) !== undefined;
}

function ofQueue(trx: Knex.Transaction, { endpoint, organizationId, holder }: DeliveryQueue) {
  return trx('outbox_lanes').where({ endpoint, organization_id: organizationId, holder });
}

function columnsOf(trx: Knex.Transaction, attempt: Attempt): object {
  const attempts = trx.raw('attempts + 1');
  const recent: RecentAttempt = {
    at: attempt.at.toISOString(),
    status: attempt.status ?? null,
    error: attempt.outcome === 'delivered' ? null : attempt.error,
  };
  const recentAttempts = trx.raw(
    'case when jsonb_array_length(recent_attempts) < ? then recent_attempts else recent_attempts - 0 end || ?::jsonb',
    [MAX_RECENT, JSON.stringify([recent])],
  );
  const noted = { attempts, recent_attempts: recentAttempts };
  const ended = attempt.outcome !== 'failed' && { status: attempt.outcome, ended_at: attempt.at };
  if (attempt.outcome === 'delivered') return { ...ended, ...noted, last_failure: null };
  return { ...ended, ...noted, last_failure: attempt.failure };
}
