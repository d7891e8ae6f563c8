import type { Knex } from 'knex';
import type { makeFindKey } from '../api-keys/find-key.ts';
import type { Key } from '../api-keys/key.ts';
import type { TaskRules } from '../product/tasks/task-rules.ts';
import type { Holder } from './task.ts';

type Deps = { db: Knex; findKey: ReturnType<typeof makeFindKey>; per: TaskRules['per'] };

export type FindHolder = ReturnType<typeof makeFindHolder>;

/**
 * Finds a key, usable or not, and what its tasks are counted with. A key and its rotations are one holder, and so are
 * keys of one owner where the product says so; test keys are apart from live ones.
 * @throws AppError `api_key_not_found`
 */
export function makeFindHolder({ db, findKey, per }: Deps) {
  return async function findHolder(organizationId: string, keyId: string): Promise<{ key: Key; holder: Holder }> {
    const key = await findKey(organizationId, keyId);
    const id = per === 'key' ? `key:${await firstOf(db, key)}` : ownerOf(key);
    return { key, holder: { organizationId, id } };
  };
}

function ownerOf({ ownerUserId, environment }: Key): string {
  return ownerUserId === undefined ? `organization:${environment}` : `user:${ownerUserId}`;
}

/** The id of the key that this one comes from by rotations; its own, if it was never rotated. */
async function firstOf(db: Knex, { organizationId, id, rotatedFrom }: Key): Promise<string> {
  if (rotatedFrom === undefined) return id;
  const { rows } = await db.raw<{ rows: { workos_id: string }[] }>(
    `with recursive line as (
       select 1 as n, workos_id, rotated_from from api_keys where organization_id = ? and workos_id = ?
       union all
       select line.n + 1, before.workos_id, before.rotated_from from line join api_keys as before
         on before.organization_id = ? and before.workos_id = line.rotated_from
     ) select workos_id from line order by n desc limit 1`,
    [organizationId, rotatedFrom, organizationId],
  );
  return rows[0]?.workos_id ?? rotatedFrom;
}
