import type { Knex } from 'knex';
import { transaction } from '../db/transaction.ts';

/** One organization at one endpoint, held by somebody who sends its notices one after the other. */
export type Lane = { endpoint: string; organizationId: string; holder: string };
export type Letter = { id: string; type: string; body: string; attempts: number; retryUntil: Date };
export type Outbox = ReturnType<typeof makeOutbox>;
/** What became of a try; `due` is when the lane is to be looked at again, or its holder counts as gone. */
export type Noted = { at: Date; due: Date } & (
  | { outcome: 'delivered' }
  | { outcome: 'failed' | 'dead'; failure: string }
);
type Row = {
  id: string;
  endpoint: string;
  organization_id: string;
  sequence: string;
  type: string;
  body: string;
  status: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  retry_until: Date;
};

/** The table of what is to be sent, for those who send it. */
export function makeOutbox(db: Knex) {
  return {
    /** Takes lanes that nobody holds, those that wait longest first. */
    async claim(endpoint: string, now: Date, heldUntil: Date, limit: number): Promise<Lane[]> {
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

    /** What waits in a lane, in its order. */
    async waiting({ endpoint, organizationId }: Lane, limit: number): Promise<Letter[]> {
      const rows = await db<Row>('outbox')
        .where({ endpoint, organization_id: organizationId, status: 'waiting' })
        .orderBy('sequence')
        .limit(limit)
        .select('id', 'type', 'body', 'attempts', 'retry_until');
      return rows.map(({ retry_until: retryUntil, ...letter }) => ({ ...letter, retryUntil }));
    },

    /** @returns false, with nothing noted, when somebody else holds the lane by now */
    note: (lane: Lane, { id }: Letter, noted: Noted): Promise<boolean> =>
      transaction(db, async (trx) => {
        if (!(await hold(trx, lane))) return false;
        await ofLane(trx, lane).update({ due_at: noted.due });
        await trx('outbox').where({ id }).update(columnsOf(trx, noted));
        return true;
      }),

    /** Gives a lane back. Whoever writes a notice holds it while that commits, so that none is left lying. */
    release: (lane: Lane, now: Date): Promise<void> =>
      transaction(db, async (trx) => {
        if (!(await hold(trx, lane))) return;
        const { endpoint, organizationId } = lane;
        const left = await trx('outbox')
          .where({ endpoint, organization_id: organizationId, status: 'waiting' })
          .first('id');
        await ofLane(trx, lane).update({ due_at: left ? now : null });
      }),
  };
}

async function hold(trx: Knex.Transaction, lane: Lane): Promise<boolean> {
  return (await ofLane(trx, lane).forUpdate().first('holder')) !== undefined;
}

function ofLane(trx: Knex.Transaction, { endpoint, organizationId, holder }: Lane) {
  return trx('outbox_lanes').where({ endpoint, organization_id: organizationId, holder });
}

function columnsOf(trx: Knex.Transaction, noted: Noted): object {
  const attempts = trx.raw('attempts + 1');
  if (noted.outcome === 'delivered') return { status: 'delivered', ended_at: noted.at, attempts, last_failure: null };
  const ended = noted.outcome === 'dead' && { status: 'dead', ended_at: noted.at };
  return { ...ended, attempts, last_failure: noted.failure };
}
