import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';

type Deps = { db: Knex; polledAt: () => Promise<Date | undefined>; clock: Clock };

/** Seconds since everything was sealed, while a head waits for its seal; 0 when none waits. */
export function makeSealLag({ db, polledAt, clock }: Deps) {
  return async (): Promise<number> => {
    // In the order of its index: the planner expects to meet such a head at once, and would read all of them where there is none.
    const waiting = await db.raw<{ rows: unknown[] }>(
      'select organization_id from audit_chain_heads where sequence <> sealed_sequence order by organization_id limit 1',
    );
    if (waiting.rows.length === 0) return 0;
    const sealedAt = await polledAt();
    // Nothing was ever sealed: the loop has not finished once.
    return sealedAt === undefined ? Infinity : Math.max(0, (clock().getTime() - sealedAt.getTime()) / 1_000);
  };
}
