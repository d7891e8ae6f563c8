import type { Knex } from 'knex';

type Row = { organization_id: string; ip_allow_list: string[]; updated_at: Date };

export type OrganizationIpAllowLists = ReturnType<typeof makeOrganizationIpAllowLists>;

/** The IP allow-list of each organization, which is a column of its tenant. */
export function makeOrganizationIpAllowLists(db: Knex) {
  /** @returns undefined for an unknown organization */
  async function findOfTenant(organizationId: string): Promise<readonly string[] | undefined> {
    const row = await db<Row>('tenants').where({ organization_id: organizationId }).first('ip_allow_list');
    return row?.ip_allow_list;
  }

  return {
    findOfTenant,

    /** @returns an empty list for an organization without one, or an unknown one */
    find: async (organizationId: string): Promise<readonly string[]> => (await findOfTenant(organizationId)) ?? [],

    async put(trx: Knex.Transaction, organizationId: string, list: readonly string[], now: Date): Promise<void> {
      await trx<Row>('tenants')
        .where({ organization_id: organizationId })
        .update({ ip_allow_list: [...list], updated_at: now });
    },
  };
}
