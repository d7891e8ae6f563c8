import type { Knex } from 'knex';
import type { Environment } from '../key.ts';
import type { KeyRow } from '../rows/key-row.ts';

/** The columns of a row that a reconciliation compares with WorkOS. */
export type MirroredKey = {
  rowId: string;
  /** Undefined for a row that never became a key. */
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
 * The mirror's side of a reconciliation with one environment. A run marks the rows that it expects at WorkOS and those
 * that it sees there, so that it holds no list in memory. A key that becomes active during the run was not expected, so
 * no clocks are compared.
 */
export function makeMirroredKeys(db: Knex, environment: Environment) {
  const rowsOf = (organizationId: string) =>
    db<KeyRow>('api_keys').where({ organization_id: organizationId, environment });
  const atWorkos = (organizationId: string) =>
    rowsOf(organizationId).where({ status: 'active' }).whereNot({ origin: 'imported' });
  const unseenRows = (organizationId: string, run: Date) => whereUnseen(rowsOf(organizationId), run);

  return {
    /** Marks every active key as expected, without imported ones. */
    async expectActive(organizationId: string, run: Date): Promise<void> {
      for (let after: string | undefined = ''; after !== undefined;)
        after = await expectSome(atWorkos(organizationId), run, after);
    },

    /** Returns the owners of personal keys, in order of their ids. */
    owners: (organizationId: string, after: string, limit: number): Promise<string[]> =>
      ownersOf(rowsOf(organizationId), after, limit),

    /** Finds rows by WorkOS's ids and by ids of rows from markers. */
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

    /** Marks these rows as seen at WorkOS. */
    async see(organizationId: string, rowIds: readonly string[], run: Date): Promise<void> {
      await rowsOf(organizationId).whereIn('id', rowIds).update({ workos_seen_at: run });
    },

    /** Returns active keys that the run expected and did not see, in order of their rows. */
    async unseen(organizationId: string, run: Date, after: string, limit: number): Promise<MirroredKey[]> {
      const rows = await unseenRows(organizationId, run)
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .select(COLUMNS);
      return rows.map(toMirrored);
    },

    /** Returns overdue rows that the run did not see at WorkOS. */
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

    /** Returns which of these rows still have work left. */
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

/** @returns the last row of a full batch; undefined when there are no more */
async function expectSome(active: Knex.QueryBuilder<KeyRow>, run: Date, after: string): Promise<string | undefined> {
  const ids: string[] = await active.clone().where('id', '>', after).orderBy('id').limit(EXPECT_BATCH).pluck('id');
  await active.clone().whereIn('id', ids).update({ workos_expected_at: run });
  return ids.length < EXPECT_BATCH ? undefined : ids.at(-1);
}

/** Narrows a query to active keys that the run expected and did not see. */
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
