import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';

type Deps = { db: Knex; polledAt: () => Promise<Date | undefined>; clock: Clock };

/** For how many seconds ends of chains may have waited to be sealed: since everything was sealed last; 0 when none waits. */
export function makeSealLag({ db, polledAt, clock }: Deps) {
  return async (): Promise<number> => {
    const { rows } = await db.raw<{ rows: { waits: boolean }[] }>(
      'select exists (select from audit_chain_heads where sequence <> sealed_sequence) as waits',
    );
    if (rows[0]?.waits !== true) return 0;
    const sealedAt = await polledAt();
    // Nothing was ever sealed: the loop has not come through once.
    return sealedAt === undefined ? Infinity : Math.max(0, (clock().getTime() - sealedAt.getTime()) / 1_000);
  };
}
