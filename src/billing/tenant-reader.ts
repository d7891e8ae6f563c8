import type { Knex } from 'knex';
import { directionOf, toPage, unknownCursor } from '../http/pagination.ts';
import type { Page, PageRequest } from '../http/pagination.ts';
import type { BillingStatus, PolicyRules, Posture, Tenant } from './posture.ts';
import { postureSql } from './posture-sql.ts';
import { TENANT_COLUMNS, toTenant } from './tenant-row.ts';
import type { TenantRow } from './tenant-row.ts';

type Deps = {
  db: Knex;
  policyRules: Pick<PolicyRules, 'graceDays'>;
  planNames: readonly string[];
  /** The plan of whoever has none that is configured. */
  defaultPlanName: string;
};

export type TenantFilter = {
  posture?: Posture | undefined;
  status?: BillingStatus | undefined;
  plan?: string | undefined;
  /** Those that are in trial or were, by what billing said last, and that WorkOS has not deleted. */
  trialEndsBefore?: Date | undefined;
  /** Part of the name in any case, or the whole id. */
  q?: string | undefined;
};

export type TenantReader = ReturnType<typeof makeTenantReader>;

export function makeTenantReader(deps: Deps) {
  return {
    /** Newest first. @throws AppError `validation_error` for a cursor that is no organization */
    async list(filter: TenantFilter, page: PageRequest, now: Date): Promise<Page<Tenant>> {
      const { older } = directionOf(page);
      const query = deps.db<TenantRow>('tenants');
      await applyCursor(deps.db, query, page);
      applyFilter(deps, query, filter, now);
      const order = older ? 'desc' : 'asc';
      const rows = await query
        .orderBy([
          { column: 'created_at', order },
          { column: 'organization_id', order },
        ])
        .limit(page.limit + 1)
        .select(...TENANT_COLUMNS);
      return toPage(rows.map(toTenant), page, ({ organizationId }) => organizationId);
    },
  };
}

function applyFilter(deps: Deps, query: Knex.QueryBuilder, filter: TenantFilter, now: Date): void {
  const { posture, status, plan, trialEndsBefore, q } = filter;
  if (posture !== undefined) {
    const { sql, bindings } = postureSql(deps.policyRules, now);
    void query.whereRaw(`(${sql}) = ?`, [...bindings, posture]);
  }
  if (status !== undefined) void query.where({ billing_status: status });
  if (plan !== undefined) applyPlan(deps, query, plan);
  if (trialEndsBefore)
    void query.where({ billing_status: 'trial', deleted_at: null }).where('trial_ends_at', '<', trialEndsBefore);
  if (q !== undefined) {
    const part = `%${q.replaceAll(/[\\%_]/g, '\\$&')}%`;
    void query.whereRaw('(name ilike ? or organization_id = ?)', [part, q]);
  }
}

function applyPlan({ planNames, defaultPlanName }: Deps, query: Knex.QueryBuilder, plan: string): void {
  if (plan !== defaultPlanName) void query.where({ plan });
  else void query.whereRaw('(plan is null or plan = ? or plan <> all(?))', [plan, [...planNames]]);
}

async function applyCursor(db: Knex, query: Knex.QueryBuilder, page: PageRequest): Promise<void> {
  const { cursor, field, older } = directionOf(page);
  if (cursor === undefined) return;
  const at = await db<TenantRow>('tenants').where({ organization_id: cursor }).first('organization_id');
  if (!at) throw unknownCursor(field);
  void query.whereRaw(
    `(created_at, organization_id) ${older ? '<' : '>'}
     (select created_at, organization_id from tenants where organization_id = ?)`,
    [cursor],
  );
}
