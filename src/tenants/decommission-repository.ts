import type { Knex } from 'knex';
import { notSetAside } from '../background/items.ts';
import type { Tenant } from './posture.ts';
import { TENANT_COLUMNS, toTenant } from './tenant-row.ts';
import type { TenantRow } from './tenant-row.ts';

/** The loop that revokes their keys. */
export const DECOMMISSION_LOOP = 'decommission';

export type DecommissionRepository = ReturnType<typeof makeDecommissionRepository>;

/** Reads the organizations whose decommissioning is due and not finished. */
export function makeDecommissionRepository(db: Knex) {
  return {
    /** Lists those that have waited longest, without dead letters and those that wait for a retry. */
    async listDue(now: Date, limit: number): Promise<string[]> {
      return due(db, now)
        .whereRaw(notSetAside(DECOMMISSION_LOOP, 'tenants.organization_id'), [now])
        .limit(limit)
        .pluck('organization_id');
    },

    /** Locks one until the transaction ends. @returns undefined when another replica holds it, or it is not due */
    async lockDue(trx: Knex.Transaction, organizationId: string, now: Date): Promise<Tenant | undefined> {
      const row = await due(trx, now)
        .where({ organization_id: organizationId })
        .forUpdate()
        .skipLocked()
        .first(...TENANT_COLUMNS);
      return row && toTenant(row);
    },

    async finish(trx: Knex.Transaction, organizationId: string, now: Date): Promise<void> {
      await trx<TenantRow>('tenants')
        .where({ organization_id: organizationId })
        .update({ decommissioned_at: now, updated_at: now });
    },

    /** Seconds that the oldest has waited; 0 when there is none. */
    async lagSeconds(now: Date): Promise<number> {
      const row = await due(db, now).first('decommission_at');
      return row?.decommission_at ? (now.getTime() - row.decommission_at.getTime()) / 1_000 : 0;
    },
  };
}

function due(on: Knex | Knex.Transaction, now: Date) {
  return on<TenantRow>('tenants')
    .where('decommission_at', '<=', now)
    .whereNull('decommissioned_at')
    .orderBy('decommission_at');
}
