import type { Knex } from 'knex';

export type KeyCounts = ReturnType<typeof makeKeyCounts>;

/** Counts keys of several organizations at once. Organizations without any are left out. */
export function makeKeyCounts(db: Knex) {
  return {
    /** Counts what `countTowardsQuota` counts of live keys of the organization itself. */
    async towardsQuota(organizationIds: readonly string[], now: Date): Promise<Map<string, number>> {
      const { rows } = await db.raw<{ rows: { organization_id: string; count: string }[] }>(
        `select organization_id, count(*) from api_keys
         where organization_id = any(?) and environment = 'live' and owner_user_id is null and origin <> 'ci'
           and status in ('provisioning', 'active')
           and (expires_at is null or expires_at > ?)
           and rotated_to is null and not (status = 'provisioning' and rotated_from is not null)
         group by organization_id`,
        [[...organizationIds], now],
      );
      return new Map(rows.map(({ organization_id: id, count }) => [id, Number(count)]));
    },

    /** Counts the unexpired keys of CI jobs, which have a limit of their own. */
    async ofCi(organizationIds: readonly string[], now: Date): Promise<Map<string, number>> {
      const { rows } = await db.raw<{ rows: { organization_id: string; count: string }[] }>(
        `select organization_id, count(*) from api_keys
         where organization_id = any(?) and origin = 'ci' and status in ('provisioning', 'active') and expires_at > ?
         group by organization_id`,
        [[...organizationIds], now],
      );
      return new Map(rows.map(({ organization_id: id, count }) => [id, Number(count)]));
    },

    /** Counts keys not revoked (`here`), and keys that WorkOS is not known to have deleted (`atWorkos`); expired ones are in both. */
    async left(organizationIds: readonly string[]): Promise<Map<string, KeysLeft>> {
      if (organizationIds.length === 0) return new Map();
      const { rows } = await db.raw<{ rows: { organization_id: string; here: string; at_workos: string }[] }>(
        `select organization_id, count(*) filter (where status = 'active') as here,
           count(*) filter (where origin <> 'imported') as at_workos
         from api_keys
         where organization_id = any(?) and status in ('active', 'revoked') and workos_deleted_at is null
         group by organization_id`,
        [[...organizationIds]],
      );
      return new Map(
        rows.map((row) => [row.organization_id, { here: Number(row.here), atWorkos: Number(row.at_workos) }]),
      );
    },
  };
}

export type KeysLeft = { here: number; atWorkos: number };
