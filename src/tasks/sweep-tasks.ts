import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';

/** Deletes at most `batch` expired tasks. @returns how many */
export function makeSweepTasks({ db, clock, batch }: { db: Knex; clock: Clock; batch: number }) {
  return async function sweepTasks(): Promise<number> {
    const { rows } = await db.raw<{ rows: unknown[] }>(
      `delete from tasks where (organization_id, holder, name) in (
         select organization_id, holder, name from tasks where expires_at <= ? limit ? for update skip locked
       ) returning 1`,
      [clock(), batch],
    );
    return rows.length;
  };
}
