import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { RateLimit } from '../limits/limits.ts';
import { BILLING_STATUSES, OPERATIONS, POSTURES, isEnding } from './posture.ts';
import type { Operation, Policy, Posture, Tenant } from './posture.ts';

/** The plan of an organization, as it is shown. */
export type ShownPlan = {
  name: string;
  keyLimit: number;
  ciKeyLimit: number;
  rate: RateLimit | undefined;
  concurrency: number | undefined;
  organizationRate: RateLimit | undefined;
  permissionSets: ReadonlySet<string> | undefined;
  maxExpiryDays: number | undefined;
};

export type ViewDeps = {
  planFor: (tenant: Pick<Tenant, 'plan' | 'keyLimit'>) => ShownPlan;
  /** The names of all permission sets. */
  permissionSets: readonly string[];
  policy: Pick<Policy, 'standingOf' | 'allows'>;
  /** Counts keys of several organizations at once. */
  keyCounts: {
    towardsQuota: (ids: readonly string[], now: Date) => Promise<ReadonlyMap<string, number>>;
    ofCi: (ids: readonly string[], now: Date) => Promise<ReadonlyMap<string, number>>;
    left: (ids: readonly string[]) => Promise<ReadonlyMap<string, { here: number; atWorkos: number }>>;
  };
  clock: Clock;
};

const time = z.iso.datetime().nullable();
const rate = z.object({ limit: z.int(), window_seconds: z.int() }).nullable();

/** What an organization may read of itself. */
export const Organization = z
  .object({
    id: z.string(),
    name: z.string().nullable().describe('The name at WorkOS; null until WorkOS has sent it.'),
    posture: z.enum(POSTURES).describe('What billing allows now, by its status, the clock and the days of grace.'),
    allowed: z
      .array(z.enum(OPERATIONS))
      .describe(
        'What its callers may do with keys now: `create` adds, rotates and changes them, `wind_down` revokes them.',
      ),
    billing_status: z
      .enum(BILLING_STATUSES)
      .nullable()
      .describe('The status that billing stated last; null when it stated none.'),
    status_since: time.describe('Since when billing states this status.'),
    billing_occurred_at: time.describe("When billing's last statement happened, by the clock of billing."),
    trial_ends_at: time,
    changes_at: time.describe('When the clock changes the posture: the end of a trial, or of the days of grace.'),
    decommission_at: time.describe('When all keys are revoked; null when that is not planned.'),
    decommissioning: z
      .object({
        at: z.iso.datetime(),
        keys_left: z.int().describe('Keys that are not revoked yet, including expired ones.'),
        keys_left_at_workos: z.int().describe('Keys whose deletion at WorkOS is not confirmed yet.'),
        done_at: time.describe('When the last key was revoked.'),
      })
      .nullable()
      .describe('The progress of revoking all keys; null when that is not planned.'),
    plan: z.string(),
    limits: z.object({
      api_keys: z.int(),
      ci_api_keys: z
        .int()
        .describe("The plan's `ci_key_limit`: unexpired keys of CI jobs, which `api_keys` does not count."),
      rate_limit: rate.describe('For each key without a limit of its own; null: no limit.'),
      concurrency: z
        .int()
        .nullable()
        .describe('Requests in flight for each key without a limit of its own; null: no limit.'),
      organization_rate_limit: rate.describe('For all keys together; null: no limit.'),
      permission_sets: z.array(z.string()).describe('The permission sets that new keys may be created from.'),
      max_expiry_days: z.int().nullable().describe('The longest lifetime of a new key, in days; null: unlimited.'),
    }),
    usage: z.object({
      api_keys: z.int().describe('Keys that count towards the limit.'),
      ci_api_keys: z.int().describe('Unexpired keys of CI jobs.'),
    }),
  })
  .meta({ id: 'Organization' });

/** The same, with what only billing services may read. */
export const BilledOrganization = Organization.extend({
  billing_reason: z
    .string()
    .nullable()
    .describe('The reason of the last statement. Users of the organization cannot read it.'),
  created_at: z.iso.datetime().describe('When Latchkey created its tenant.'),
  deleted_at: time.describe('When WorkOS deleted the organization; null while it exists.'),
}).meta({ id: 'BilledOrganization' });

export type ViewOrganizations = ReturnType<typeof makeViewOrganizations>;

/** Shows organizations, any number of them with as few queries as one. */
export function makeViewOrganizations(deps: ViewDeps) {
  return async function viewOrganizations(tenants: readonly Tenant[]): Promise<z.input<typeof BilledOrganization>[]> {
    const now = deps.clock();
    const ending = tenants.filter(({ decommissionAt }) => decommissionAt);
    const [used, ofCi, left] = await Promise.all([
      deps.keyCounts.towardsQuota(idsOf(tenants), now),
      deps.keyCounts.ofCi(idsOf(tenants), now),
      deps.keyCounts.left(idsOf(ending)),
    ]);
    return tenants.map((tenant) => ({
      ...viewBilling(deps.policy, tenant, now),
      decommissioning: viewDecommissioning(tenant, left.get(tenant.organizationId)),
      ...viewPlan(deps, tenant),
      usage: {
        api_keys: used.get(tenant.organizationId) ?? 0,
        ci_api_keys: ofCi.get(tenant.organizationId) ?? 0,
      },
    }));
  };
}

function viewBilling(policy: ViewDeps['policy'], tenant: Tenant, now: Date) {
  const { posture, until } = policy.standingOf(tenant, now);
  return {
    id: tenant.organizationId,
    name: tenant.name ?? null,
    posture,
    allowed: allowedTo(policy, tenant, posture, now),
    billing_status: tenant.status ?? null,
    status_since: iso(tenant.statusSince),
    billing_occurred_at: iso(tenant.billingOccurredAt),
    billing_reason: tenant.billingReason ?? null,
    trial_ends_at: iso(tenant.trialEndsAt),
    changes_at: iso(until),
    decommission_at: iso(tenant.decommissionAt),
    created_at: tenant.createdAt.toISOString(),
    deleted_at: iso(tenant.deletedAt),
  };
}

function allowedTo(policy: ViewDeps['policy'], tenant: Tenant, posture: Posture, now: Date): Operation[] {
  const allowed = OPERATIONS.filter((operation) => policy.allows(posture, 'api', operation));
  return isEnding(tenant, now) ? allowed.filter((operation) => operation !== 'create') : allowed;
}

function viewDecommissioning(
  { decommissionAt, decommissionedAt }: Tenant,
  left: { here: number; atWorkos: number } = { here: 0, atWorkos: 0 },
) {
  return decommissionAt
    ? {
        at: decommissionAt.toISOString(),
        keys_left: left.here,
        keys_left_at_workos: left.atWorkos,
        done_at: iso(decommissionedAt),
      }
    : null;
}

function viewPlan({ planFor, permissionSets }: ViewDeps, tenant: Tenant) {
  const plan = planFor(tenant);
  return {
    plan: plan.name,
    limits: {
      api_keys: plan.keyLimit,
      ci_api_keys: plan.ciKeyLimit,
      rate_limit: viewRate(plan.rate),
      concurrency: plan.concurrency ?? null,
      organization_rate_limit: viewRate(plan.organizationRate),
      permission_sets: permissionSets.filter((name) => plan.permissionSets?.has(name) ?? true),
      max_expiry_days: plan.maxExpiryDays ?? null,
    },
  };
}

function viewRate(rate: RateLimit | undefined) {
  return rate ? { limit: rate.limit, window_seconds: rate.windowSeconds } : null;
}

function idsOf(tenants: readonly Tenant[]): string[] {
  return tenants.map(({ organizationId }) => organizationId);
}

function iso(time: Date | undefined): string | null {
  return time?.toISOString() ?? null;
}
