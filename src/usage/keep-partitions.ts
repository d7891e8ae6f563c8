import type { Knex } from 'knex';

const MONTHS_AHEAD = 2;

/** Creates the partitions of the coming months and drops expired ones. Any replica may run it at any time. */
export function makeKeepPartitions({ db, monthsKept }: { db: Knex; monthsKept: number }) {
  return async function keepPartitions(): Promise<void> {
    await db.raw('select keep_usage_partitions(?, ?)', [monthsKept, MONTHS_AHEAD]);
  };
}
