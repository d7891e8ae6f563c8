import type { Knex } from 'knex';

export type Gap = ReturnType<typeof makeGap>;

/**
 * The time in which the database committed no beat, because it was restored or everything was stopped. The heartbeat that
 * ends it marks it; until it is closed no replica answers, since keys may have been revoked at WorkOS meanwhile.
 */
export function makeGap(db: Knex) {
  return {
    /** Returns the last beat before the gap, in ISO 8601 with microseconds; undefined if there is no gap. */
    async since(): Promise<string | undefined> {
      const { rows } = await db.raw<{ rows: { since: string | null }[] }>(
        "select to_json(behind_since) #>> '{}' as since from invalidation_beats",
      );
      return rows[0]?.since ?? undefined;
    },

    /** Closes the gap; after a full reconciliation also one that no heartbeat has marked. */
    async close(since: string | undefined): Promise<void> {
      await db.raw(
        `update invalidation_beats set behind_since = null, at = clock_timestamp()
         where behind_since is not distinct from ?::timestamptz`,
        [since ?? null],
      );
    },
  };
}
