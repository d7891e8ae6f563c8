import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';

type Grant = { permissionSets: readonly string[]; scope: string | undefined };
type Holder = { organizationId: string; keys: number };

/** Organizations per statement, which reads their active keys. */
const PAGE = 20;

/**
 * Finds organizations with active keys of a permission set, or made with a scope, and counts those keys. Reads the page of
 * organizations after `after` and returns at most `limit` of them.
 * @returns `next`: the `after` of the next call; undefined at the end
 */
export function makeHoldersOf({ clock, page = PAGE }: { clock: Clock; page?: number }) {
  return async function holdersOf(
    trx: Knex.Transaction,
    { permissionSets, scope }: Grant,
    after: string,
    limit: number,
  ): Promise<{ holders: Holder[]; next: string | undefined }> {
    const { rows } = await trx.raw<{ rows: { organization_id: string; keys: string }[] }>(
      `select t.organization_id, held.keys
       from (select organization_id from tenants where organization_id > ? order by organization_id limit ?) t
       cross join lateral (
         select count(*) as keys from api_keys k
         where k.organization_id = t.organization_id and k.status = 'active'
           and (k.expires_at is null or k.expires_at > ?) and (k.permission_set = any(?) or ?::text = any(k.scopes))
       ) held
       order by t.organization_id`,
      [after, page, clock(), [...permissionSets], scope ?? null],
    );
    const found = rows.map((row) => ({ organizationId: row.organization_id, keys: Number(row.keys) }));
    const holders = found.filter(({ keys }) => keys > 0).slice(0, limit);
    const last = holders.length === limit ? holders.at(-1) : found.at(-1);
    return { holders, next: holders.length === limit || rows.length === page ? last?.organizationId : undefined };
  };
}
