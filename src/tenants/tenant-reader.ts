import type { Knex } from 'knex';
import { readInWindows } from '../db/read-in-windows.ts';
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
  /** The plan of a tenant whose own plan is not configured. */
  defaultPlanName: string;
};

export type TenantFilter = {
  posture?: Posture | undefined;
  status?: BillingStatus | undefined;
  plan?: string | undefined;
  /** Only those with the status `trial` that WorkOS has not deleted. */
  trialEndsBefore?: Date | undefined;
  /** Part of the name in any case, or the whole id. */
  q?: string | undefined;
};

type TenantQuery = ReturnType<typeof tenantsBetween>;
export type TenantReader = ReturnType<typeof makeTenantReader>;

export function makeTenantReader(deps: Deps) {
  return {
    /** Newest first. @throws AppError `validation_error` for a cursor that is no organization */
    async list(filter: TenantFilter, page: PageRequest, now: Date): Promise<Page<Tenant>> {
      const from = await cursorRow(deps.db, page);
      const isFiltered = Object.values(filter).some((value) => value !== undefined);
      const list = {
        rowBehind: async (after: string | undefined, places: number) => {
          if (!isFiltered) return undefined;
          const row = await tenantsBetween(deps.db, page, after)
            .offset(places - 1)
            .first('organization_id');
          return row?.organization_id;
        },
        read: (after: string | undefined, to: string | undefined, limit: number) =>
          applyFilter(deps, tenantsBetween(deps.db, page, after, to), filter, now)
            .limit(limit)
            .select(...TENANT_COLUMNS),
      };
      const rows = await readInWindows(list, from, page.limit + 1);
      return toPage(rows.map(toTenant), page, ({ organizationId }) => organizationId);
    },
  };
}

function applyFilter(deps: Deps, query: TenantQuery, filter: TenantFilter, now: Date): TenantQuery {
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
  return query;
}

function applyPlan({ planNames, defaultPlanName }: Deps, query: TenantQuery, plan: string): void {
  if (plan !== defaultPlanName) void query.where({ plan });
  else void query.whereRaw('(plan is null or plan = ? or plan <> all(?))', [plan, [...planNames]]);
}

async function cursorRow(db: Knex, page: PageRequest): Promise<string | undefined> {
  const { cursor, field } = directionOf(page);
  if (cursor === undefined) return undefined;
  const at = await db<TenantRow>('tenants').where({ organization_id: cursor }).first('organization_id');
  if (!at) throw unknownCursor(field);
  return at.organization_id;
}

/** Tenants in the order of the page, after one and up to another, included. */
function tenantsBetween(db: Knex, page: PageRequest, after?: string, to?: string) {
  const { older } = directionOf(page);
  const place = '(select created_at, organization_id from tenants where organization_id = ?)';
  const query = db<TenantRow>('tenants');
  if (after !== undefined) void query.whereRaw(`(created_at, organization_id) ${older ? '<' : '>'} ${place}`, [after]);
  if (to !== undefined) void query.whereRaw(`(created_at, organization_id) ${older ? '>=' : '<='} ${place}`, [to]);
  const order = older ? 'desc' : 'asc';
  return query.orderBy([
    { column: 'created_at', order },
    { column: 'organization_id', order },
  ]);
}
