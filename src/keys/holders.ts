import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';

type What = { permissionSets: readonly string[]; scope: string | undefined };

/** Finds the organizations whose active keys are of a set, or were made with a scope, and how many they have. */
export function makeHoldersOf({ clock }: { clock: Clock }) {
  return async function holdersOf(
    trx: Knex.Transaction,
    { permissionSets, scope }: What,
    after: string,
    limit: number,
  ): Promise<{ organizationId: string; keys: number }[]> {
    const { rows } = await trx.raw<{ rows: { organization_id: string; keys: string }[] }>(
      `select organization_id, count(*) as keys from api_keys
       where status = 'active' and (expires_at is null or expires_at > ?) and organization_id > ?
         and (permission_set = any(?) or ?::text = any(scopes))
       group by organization_id order by organization_id limit ?`,
      [clock(), after, [...permissionSets], scope ?? null, limit],
    );
    return rows.map(({ organization_id: organizationId, keys }) => ({ organizationId, keys: Number(keys) }));
  };
}
