import type { Knex } from 'knex';
import type { AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { BillingStatus, Tenant } from '../tenants/posture.ts';
import type { TenantStore } from '../tenants/tenant-store.ts';

type Deps = { tenants: Pick<TenantStore, 'make' | 'put'>; audit: Pick<AuditLog, 'append'>; clock: Clock };

/** What billing says of an organization. What is undefined stays as it was; null takes away. */
export type BillingStatement = {
  organizationId: string;
  status: BillingStatus;
  /** Since when, as far as whoever says so knows; else the first that was said of this status counts. */
  statusSince?: Date | undefined;
  trialEndsAt: Date | undefined;
  /** null: the product's default one. */
  plan: string | null | undefined;
  keyLimit?: number | null | undefined;
  /** Of an organization that is being decommissioned: when all its keys are revoked. */
  decommissionAt?: Date | null | undefined;
  /** When it happened, by the clock of whoever says so. */
  occurredAt: Date;
  /** Nobody said when: `occurredAt` is our own clock's, by which it is after whatever was said already. */
  isNow?: boolean;
  /** When what is said of each happened, if earlier. */
  planOccurredAt?: Date | undefined;
  keyLimitOccurredAt?: Date | undefined;
  reason?: string | null | undefined;
};

/** `stale`: what was said before happened after it, and it changed nothing. */
export type Applied = { outcome: 'applied' | 'unchanged' | 'stale'; tenant: Tenant };

export type ApplyBilling = ReturnType<typeof makeApplyBilling>;

/**
 * Writes what billing says into the tenant, which is made if there is none, and held until the transaction ends. What
 * happened last counts, whenever it is said, and for status, plan and limit each by itself: what speaks of one only does
 * not make stale what was said of another. Of two things of one moment the one counts that is said last.
 */
export function makeApplyBilling({ tenants, audit, clock }: Deps) {
  return async function applyBilling(
    trx: Knex.Transaction,
    said: BillingStatement,
    source: AuditSource,
  ): Promise<Applied> {
    const before = await tenants.make(trx, said.organizationId, clock());
    const statement = said.isNow ? { ...said, occurredAt: latest(said.occurredAt, before) } : said;
    const isStale = isBefore(statement.occurredAt, before.billingOccurredAt);
    const tenant = { ...before, ...(!isStale && standing(before, statement)), ...terms(before, statement) };
    await tenants.put(trx, tenant, clock());
    const [was, is] = viewChange(before, tenant);
    if (JSON.stringify(was) === JSON.stringify(is)) return { outcome: isStale ? 'stale' : 'unchanged', tenant };
    await audit.append(trx, {
      ...source,
      organizationId: tenant.organizationId,
      action: 'organization.billing_changed',
      target: { kind: 'organization', id: tenant.organizationId },
      details: {
        before: before.status ? was : null,
        after: is,
        ...(statement.reason && { reason: statement.reason }),
      },
    });
    if (isInterrupted(before, tenant, clock())) await recordInterruption(audit, trx, before, source);
    return { outcome: 'applied', tenant };
  };
}

function standing(before: Tenant, statement: BillingStatement): Partial<Tenant> {
  const { status, statusSince, trialEndsAt, occurredAt, reason } = statement;
  const isSame = before.status === status;
  return {
    status,
    statusSince: statusSince ?? (isSame ? (before.statusSince ?? occurredAt) : occurredAt),
    trialEndsAt,
    billingOccurredAt: occurredAt,
    billingReason: (reason === undefined && isSame ? before.billingReason : reason) ?? undefined,
    ...decommissioning(before, statement),
  };
}

function terms(before: Tenant, statement: BillingStatement): Partial<Tenant> {
  const { plan, keyLimit, occurredAt, planOccurredAt = occurredAt, keyLimitOccurredAt = occurredAt } = statement;
  return {
    ...(plan !== undefined &&
      !isBefore(planOccurredAt, before.planOccurredAt) && { plan: plan ?? undefined, planOccurredAt }),
    ...(keyLimit !== undefined &&
      !isBefore(keyLimitOccurredAt, before.keyLimitOccurredAt) && {
        keyLimit: keyLimit ?? undefined,
        keyLimitOccurredAt,
      }),
  };
}

// Requests wait for each other, and the clocks of two replicas differ. After, not at the same moment: a hook that comes late
// says again what was so at its own.
function latest(now: Date, { billingOccurredAt, planOccurredAt, keyLimitOccurredAt }: Tenant): Date {
  const moments = [billingOccurredAt, planOccurredAt, keyLimitOccurredAt];
  return new Date(Math.max(now.getTime(), ...moments.map((moment) => (moment ? moment.getTime() + 1 : -Infinity))));
}

function isBefore(moment: Date, other: Date | undefined): boolean {
  return other !== undefined && moment < other;
}

/** Whoever is not being decommissioned any more has no time for it, and whoever gets another time waits for that. */
function decommissioning(
  before: Tenant,
  { status, decommissionAt }: BillingStatement,
): Pick<Tenant, 'decommissionAt' | 'decommissionedAt'> {
  if (status !== 'decommissioning') return { decommissionAt: undefined, decommissionedAt: undefined };
  if (decommissionAt === undefined || decommissionAt?.getTime() === before.decommissionAt?.getTime())
    return { decommissionAt: before.decommissionAt, decommissionedAt: before.decommissionedAt };
  return { decommissionAt: decommissionAt ?? undefined, decommissionedAt: undefined };
}

/** Keys are being revoked, and no more shall be; those that were stay so. */
function isInterrupted({ decommissionAt: at, decommissionedAt }: Tenant, after: Tenant, now: Date): boolean {
  const began = at !== undefined && at <= now && !decommissionedAt;
  return began && !(after.decommissionAt && after.decommissionAt <= now);
}

function recordInterruption(
  audit: Pick<AuditLog, 'append'>,
  trx: Knex.Transaction,
  { organizationId, decommissionAt }: Tenant,
  source: AuditSource,
): Promise<void> {
  return audit.append(trx, {
    ...source,
    organizationId,
    action: 'organization.decommissioning_stopped',
    target: { kind: 'organization', id: organizationId },
    details: { decommission_at: iso(decommissionAt) },
  });
}

/** Since when a status is so says when its days of grace end: where the status stays, that may be all that changes. */
function viewChange(before: Tenant, after: Tenant): [before: object, after: object] {
  const begins = before.status === after.status && before.statusSince?.getTime() !== after.statusSince?.getTime();
  const view = (tenant: Tenant) => ({ ...viewOf(tenant), ...(begins && { status_since: iso(tenant.statusSince) }) });
  return [view(before), view(after)];
}

function viewOf({ status, trialEndsAt, plan, keyLimit, decommissionAt }: Tenant) {
  return {
    status: status ?? null,
    trial_ends_at: iso(trialEndsAt),
    plan: plan ?? null,
    ...(keyLimit !== undefined && { key_limit: keyLimit }),
    ...(decommissionAt && { decommission_at: iso(decommissionAt) }),
  };
}

function iso(time: Date | undefined): string | null {
  return time?.toISOString() ?? null;
}
