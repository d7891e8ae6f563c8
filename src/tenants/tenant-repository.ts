import type { Knex } from 'knex';
import { inOrder } from '../db/pipeline.ts';
import type { Unsent } from '../db/pipeline.ts';
import type { Tenant } from './posture.ts';
import { TENANT_COLUMNS, toColumns, toTenant } from './tenant-row.ts';
import type { TenantRow } from './tenant-row.ts';

export type TenantRepository = ReturnType<typeof makeTenantRepository>;

export function makeTenantRepository(db: Knex) {
  return {
    async find(organizationId: string): Promise<Tenant | undefined> {
      const row = await db<TenantRow>('tenants')
        .where({ organization_id: organizationId })
        .first(...TENANT_COLUMNS);
      return row && toTenant(row);
    },

    async findAll(organizationIds: readonly string[]): Promise<Tenant[]> {
      const rows = await db<TenantRow>('tenants')
        .whereIn('organization_id', organizationIds)
        .select(...TENANT_COLUMNS);
      return rows.map(toTenant);
    },

    /** Lists ids of organizations, by id. */
    async listIds(after: string, limit: number): Promise<string[]> {
      return db<TenantRow>('tenants')
        .where('organization_id', '>', after)
        .orderBy('organization_id')
        .limit(limit)
        .pluck('organization_id');
    },

    /** Locks the row until the transaction ends: quota and posture are checked under this lock. */
    lock,

    /** Locks the row as `lock` does, and runs a read under the lock, in one round trip. */
    async lockAnd<T>(
      trx: Knex.Transaction,
      organizationId: string,
      read: Unsent<T>,
    ): Promise<{ tenant: Tenant | undefined; found: T }> {
      const [row, found] = await inOrder(trx, locked(trx, organizationId), read);
      return { tenant: row && toTenant(row), found };
    },

    /** Creates a tenant without billing if there is none, and locks it as `lock` does. */
    async make(trx: Knex.Transaction, organizationId: string, now: Date): Promise<Tenant> {
      await trx<TenantRow>('tenants')
        .insert({ organization_id: organizationId, created_at: now, updated_at: now })
        .onConflict('organization_id')
        .ignore();
      return (await lock(trx, organizationId))!;
    },

    async put(trx: Knex.Transaction, tenant: Tenant, now: Date): Promise<void> {
      const values = { ...toColumns(tenant), updated_at: now };
      await trx<TenantRow>('tenants')
        .insert({ organization_id: tenant.organizationId, created_at: now, ...values })
        .onConflict('organization_id')
        .merge(values);
    },
  };
}

async function lock(trx: Knex.Transaction, organizationId: string): Promise<Tenant | undefined> {
  const row = await locked(trx, organizationId);
  return row && toTenant(row);
}

function locked(trx: Knex.Transaction, organizationId: string) {
  return trx<TenantRow>('tenants')
    .where({ organization_id: organizationId })
    .forUpdate()
    .first(...TENANT_COLUMNS);
}
