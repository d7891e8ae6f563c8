import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';

const DAY_MS = 24 * 60 * 60_000;
/** Longer than an access review looks back. */
const KEPT_DAYS = 100;

/** Deletes a batch of scopes that were last required long ago. @returns how many */
export function makeSweepScopeUses({ db, clock, batch }: { db: Knex; clock: Clock; batch: number }) {
  return async function sweepScopeUses(): Promise<number> {
    const { rows } = await db.raw<{ rows: unknown[] }>(
      `delete from key_scope_uses where (organization_id, key_id, scope) in (
         select organization_id, key_id, scope from key_scope_uses where used_on < ? limit ? for update skip locked
       ) returning 1`,
      [new Date(clock().getTime() - KEPT_DAYS * DAY_MS), batch],
    );
    return rows.length;
  };
}
