import type { Knex } from 'knex';
import type { DeadLetters } from '../background/loop.ts';
import type { Clock } from '../clock.ts';
import { replayDelivery } from './undelivered.ts';

type Deps = { db: Knex; endpoint: string; loop: string; clock: Clock };
type Row = {
  id: string;
  endpoint: string;
  status: 'dead';
  organization_id: string;
  attempts: number;
  ended_at: Date;
  last_failure: string | null;
};

const MAX_COUNTED = 10_000;

/** The deliveries to an endpoint that were given up, as dead letters of its loop. */
export function makeDeadDeliveries({ db, endpoint, loop, clock }: Deps): DeadLetters {
  const dead = (organizationId?: string) =>
    // What has ended is in an index of its own; without the second condition every delivery would be read.
    db<Row>('outbox')
      .where({ status: 'dead', endpoint, ...(organizationId !== undefined && { organization_id: organizationId }) })
      .whereNotNull('ended_at');
  return {
    async list({ organizationId, limit }) {
      const rows = await dead(organizationId)
        .orderBy('ended_at')
        .limit(limit)
        .select('id', 'organization_id', 'attempts', 'ended_at', 'last_failure');
      return rows.map((row) => ({
        loop,
        item: row.id,
        organizationId: row.organization_id,
        attempts: row.attempts,
        deadAt: row.ended_at,
        lastFailure: row.last_failure ?? '',
      }));
    },

    async retry(id) {
      const isDead = await dead().where({ id }).first('id');
      return isDead !== undefined && replayDelivery(db, id, clock());
    },

    async count() {
      const [row] = await db
        .from(dead().limit(MAX_COUNTED).select('id').as('dead'))
        .count<{ count: string }[]>('* as count');
      return Number(row?.count ?? 0);
    },
  };
}
