import type { Knex } from 'knex';
import type { Environment } from '../key.ts';
import type { KeyRow } from '../rows/key-row.ts';

/** A row as a reconciliation compares it with WorkOS. */
export type MirroredKey = {
  rowId: string;
  /** Absent for a row that never became a key. */
  workosId: string | undefined;
  status: KeyRow['status'];
  label: string;
  scopes: readonly string[];
  expiresAt: Date | undefined;
  dueAt: Date | undefined;
  workosDeletedAt: Date | undefined;
};

const COLUMNS = [
  'id',
  'workos_id',
  'status',
  'label',
  'scopes',
  'expires_at',
  'due_at',
  'workos_deleted_at',
] as const satisfies (keyof KeyRow)[];

const EXPECT_BATCH = 5_000;

export type MirroredKeys = ReturnType<typeof makeMirroredKeys>;

/**
 * The mirror's side of a reconciliation with one environment. Which keys a run expects at WorkOS and which it saw there
 * is noted on their rows, so that no list of them is held in memory; what becomes active while WorkOS is listed was
 * never expected, so no clock has to say which came first.
 */
export function makeMirroredKeys(db: Knex, environment: Environment) {
  const rowsOf = (organizationId: string) =>
    db<KeyRow>('api_keys').where({ organization_id: organizationId, environment });
  const unseenRows = (organizationId: string, run: Date) => whereUnseen(rowsOf(organizationId), run);

  return {
    /** Expects every key at WorkOS that is active now. */
    async expectActive(organizationId: string, run: Date): Promise<void> {
      for (let after: string | undefined = ''; after !== undefined;)
        after = await expectSome(rowsOf(organizationId).where({ status: 'active' }), run, after);
    },

    /** The people whose keys are known here, in order. */
    owners: (organizationId: string, after: string, limit: number): Promise<string[]> =>
      ownersOf(rowsOf(organizationId), after, limit),

    /** The rows of these keys, by WorkOS's id or by the row that a key's name proves to belong to. */
    async find(
      organizationId: string,
      workosIds: readonly string[],
      rowIds: readonly string[],
    ): Promise<MirroredKey[]> {
      const rows = await rowsOf(organizationId)
        .whereRaw('(workos_id = any(?) or id = any(?))', [[...workosIds], [...rowIds]])
        .select(COLUMNS);
      return rows.map(toMirrored);
    },

    /** Notes that WorkOS has the keys of these rows. */
    async see(organizationId: string, rowIds: readonly string[], run: Date): Promise<void> {
      await rowsOf(organizationId).whereIn('id', rowIds).update({ workos_seen_at: run });
    },

    /** Active keys that a run expected and did not see, in the order of their rows. */
    async unseen(organizationId: string, run: Date, after: string, limit: number): Promise<MirroredKey[]> {
      const rows = await unseenRows(organizationId, run)
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .select(COLUMNS);
      return rows.map(toMirrored);
    },

    /** Rows that somebody should have looked at by now, but for those that a run met at WorkOS. */
    async late(organizationId: string, run: Date, now: Date, after: string, limit: number): Promise<MirroredKey[]> {
      const rows = await rowsOf(organizationId)
        .where('due_at', '<=', now)
        .whereRaw('workos_seen_at is distinct from ?', [run])
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .select(COLUMNS);
      return rows.map(toMirrored);
    },

    /** Which of these rows still wait for somebody. */
    async waiting(organizationId: string, rowIds: readonly string[]): Promise<ReadonlySet<string>> {
      const rows = await rowsOf(organizationId).whereIn('id', rowIds).whereNotNull('due_at').select('id');
      return new Set(rows.map(({ id }) => id));
    },
  };
}

async function ownersOf(keys: Knex.QueryBuilder<KeyRow>, after: string, limit: number): Promise<string[]> {
  const rows: Pick<KeyRow, 'owner_user_id'>[] = await keys
    .where('owner_user_id', '>', after)
    .distinct('owner_user_id')
    .orderBy('owner_user_id')
    .limit(limit);
  return rows.map(({ owner_user_id: id }) => id!);
}

/** @returns after which row to go on; undefined when that was all */
async function expectSome(active: Knex.QueryBuilder<KeyRow>, run: Date, after: string): Promise<string | undefined> {
  const ids: string[] = await active.clone().where('id', '>', after).orderBy('id').limit(EXPECT_BATCH).pluck('id');
  await active.clone().whereIn('id', ids).update({ workos_expected_at: run });
  return ids.length < EXPECT_BATCH ? undefined : ids.at(-1);
}

/** Narrows a query to active keys that a run expected at WorkOS and did not see there. */
export function whereUnseen(query: Knex.QueryBuilder<KeyRow>, run: Date) {
  return query
    .where({ status: 'active', workos_expected_at: run })
    .whereRaw('workos_seen_at is distinct from ?', [run]);
}

function toMirrored(row: Pick<KeyRow, (typeof COLUMNS)[number]>): MirroredKey {
  return {
    rowId: row.id,
    workosId: row.workos_id ?? undefined,
    status: row.status,
    label: row.label,
    scopes: row.scopes,
    expiresAt: row.expires_at ?? undefined,
    dueAt: row.due_at ?? undefined,
    workosDeletedAt: row.workos_deleted_at ?? undefined,
  };
}
