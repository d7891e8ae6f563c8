import type { Knex } from 'knex';
import type { BillingStatus, Tenant } from './posture.ts';

type TenantRow = {
  organization_id: string;
  billing_status: BillingStatus | null;
  trial_ends_at: Date | null;
  plan: string | null;
  deleted_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

export type TenantRepository = ReturnType<typeof makeTenantRepository>;

const COLUMNS = [
  'organization_id',
  'billing_status',
  'trial_ends_at',
  'plan',
  'deleted_at',
] as const satisfies (keyof TenantRow)[];

export function makeTenantRepository(db: Knex) {
  return {
    async find(organizationId: string): Promise<Tenant | undefined> {
      const row = await db<TenantRow>('tenants')
        .where({ organization_id: organizationId })
        .first(...COLUMNS);
      return row && toTenant(row);
    },

    async findAll(organizationIds: readonly string[]): Promise<Tenant[]> {
      const rows = await db<TenantRow>('tenants')
        .whereIn('organization_id', organizationIds)
        .select(...COLUMNS);
      return rows.map(toTenant);
    },

    /** Ids of organizations, in their order. */
    async listIds(after: string, limit: number): Promise<string[]> {
      return db<TenantRow>('tenants')
        .where('organization_id', '>', after)
        .orderBy('organization_id')
        .limit(limit)
        .pluck('organization_id');
    },

    /** Reads the row and keeps it from changing until the transaction ends: quota and posture are judged under it. */
    async lock(trx: Knex.Transaction, organizationId: string): Promise<Tenant | undefined> {
      const row = await trx<TenantRow>('tenants')
        .where({ organization_id: organizationId })
        .forUpdate()
        .first(...COLUMNS);
      return row && toTenant(row);
    },

    async put(trx: Knex.Transaction, tenant: Tenant, now: Date): Promise<void> {
      const values = {
        billing_status: tenant.status ?? null,
        trial_ends_at: tenant.trialEndsAt ?? null,
        plan: tenant.plan ?? null,
        updated_at: now,
      };
      await trx<TenantRow>('tenants')
        .insert({ organization_id: tenant.organizationId, created_at: now, ...values })
        .onConflict('organization_id')
        .merge(values);
    },
  };
}

function toTenant(row: Pick<TenantRow, (typeof COLUMNS)[number]>): Tenant {
  return {
    organizationId: row.organization_id,
    status: row.billing_status ?? undefined,
    trialEndsAt: row.trial_ends_at ?? undefined,
    plan: row.plan ?? undefined,
    deletedAt: row.deleted_at ?? undefined,
  };
}
