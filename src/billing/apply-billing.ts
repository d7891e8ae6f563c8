import type { Knex } from 'knex';
import type { AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { BillingStatus, Tenant } from '../tenants/posture.ts';
import type { TenantStore } from '../tenants/tenant-store.ts';

type Deps = { tenants: Pick<TenantStore, 'make' | 'put'>; audit: Pick<AuditLog, 'append'>; clock: Clock };

/** What billing states about an organization. An undefined field stays as it was; null clears it. */
export type BillingStatement = {
  organizationId: string;
  status: BillingStatus;
  /** Since when, if the sender knows; else the first statement of this status counts. */
  statusSince?: Date | undefined;
  trialEndsAt: Date | undefined;
  /** null: the product's default plan. */
  plan: string | null | undefined;
  keyLimit?: number | null | undefined;
  /** When all keys of an organization that is being decommissioned are revoked. */
  decommissionAt?: Date | null | undefined;
  /** When it happened, by the clock of the sender. */
  occurredAt: Date;
  /** The sender gave no time: `occurredAt` is our clock's, and the statement comes after all earlier ones. */
  isNow?: boolean;
  /** When the plan or the limit was stated, if earlier. */
  planOccurredAt?: Date | undefined;
  keyLimitOccurredAt?: Date | undefined;
  reason?: string | null | undefined;
};

/** `stale`: an earlier statement happened later, and this one changed nothing. */
export type Applied = { outcome: 'applied' | 'unchanged' | 'stale'; tenant: Tenant };

export type ApplyBilling = ReturnType<typeof makeApplyBilling>;

/**
 * Applies a statement to the tenant, which is created if there is none and locked until the transaction ends. The statement
 * that happened last counts, whenever it arrives, separately for status, plan and limit: a statement of one does not make
 * another stale. Of two statements of one moment, the one that arrives last counts.
 */
export function makeApplyBilling({ tenants, audit, clock }: Deps) {
  return async function applyBilling(
    trx: Knex.Transaction,
    stated: BillingStatement,
    source: AuditSource,
  ): Promise<Applied> {
    const before = await tenants.make(trx, stated.organizationId, clock());
    const statement = stated.isNow ? { ...stated, occurredAt: latest(stated.occurredAt, before) } : stated;
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

/**
 * Returns a time after every earlier statement, although the clocks of replicas differ. An equal time would not do: a webhook
 * of that time that arrives late would count as the last.
 */
function latest(now: Date, { billingOccurredAt, planOccurredAt, keyLimitOccurredAt }: Tenant): Date {
  const moments = [billingOccurredAt, planOccurredAt, keyLimitOccurredAt];
  return new Date(Math.max(now.getTime(), ...moments.map((moment) => (moment ? moment.getTime() + 1 : -Infinity))));
}

function isBefore(moment: Date, other: Date | undefined): boolean {
  return other !== undefined && moment < other;
}

/** Another status ends a decommissioning; another time begins its wait anew. */
function decommissioning(
  before: Tenant,
  { status, decommissionAt }: BillingStatement,
): Pick<Tenant, 'decommissionAt' | 'decommissionedAt'> {
  if (status !== 'decommissioning') return { decommissionAt: undefined, decommissionedAt: undefined };
  if (decommissionAt === undefined || decommissionAt?.getTime() === before.decommissionAt?.getTime())
    return { decommissionAt: before.decommissionAt, decommissionedAt: before.decommissionedAt };
  return { decommissionAt: decommissionAt ?? undefined, decommissionedAt: undefined };
}

/** Whether a decommissioning that has begun to revoke keys is stopped. Keys that are revoked stay revoked. */
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

/** The days of grace count from `status_since`: while the status stays, that may be all that changes. */
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
