import type { Knex } from 'knex';

export type OwnersOfKeys = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/** Whose keys these are: WorkOS's id of a key to its organization. Ids of no key are not in it. */
export function makeOwnersOfKeys(db: Knex): OwnersOfKeys {
  return async (ids) => {
    const { rows } = await db.raw<{ rows: { workos_id: string; organization_id: string }[] }>(
      'select workos_id, organization_id from api_keys where workos_id = any(?)',
      [[...ids]],
    );
    return new Map(rows.map(({ workos_id, organization_id }) => [workos_id, organization_id]));
  };
}
