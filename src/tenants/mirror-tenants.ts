import type { Knex } from 'knex';
import type { AuditAction, AuditSource } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { WorkosOrganization } from '../workos/entities.ts';
import type { BillingStatus } from './posture.ts';

/** The billing of an organization that WorkOS has created and billing has not mentioned yet. */
export type FirstPosture = { status: BillingStatus; trialDays: number | undefined };

type Deps = { audit: Pick<AuditLog, 'append'>; firstPosture: FirstPosture | undefined; clock: Clock };

type Row = {
  organization_id: string;
  name: string | null;
  stripe_customer_id: string | null;
  billing_status: BillingStatus | null;
  trial_ends_at: Date | null;
  workos_updated_at: Date | null;
  deleted_at: Date | null;
  decommission_at: Date | null;
  decommissioned_at: Date | null;
  created_at: Date;
  updated_at: Date;
};
type Change = Partial<
  Pick<Row, 'name' | 'stripe_customer_id' | 'workos_updated_at' | 'billing_status' | 'trial_ends_at' | 'deleted_at'>
>;

/** `keysEndAt`: all keys created until then are revoked, because the organization is decommissioned. */
export type HeldTenant = { deleted: boolean; keysEndAt: Date | undefined };

export type MirrorTenants = ReturnType<typeof makeMirrorTenants>;

const DAY_MS = 24 * 60 * 60 * 1_000;
const MAX_NAME = 1_000;

/**
 * Applies WorkOS's organizations to the tenants, repeatedly, late or in any order. Each method locks the tenant's row until
 * the transaction ends, audits what it changes, and returns whether it changed anything.
 */
export function makeMirrorTenants(deps: Deps) {
  const change = (action: AuditAction, changeOf: (row: Row, organization: WorkosOrganization) => Change) =>
    async function mirror(trx: Knex.Transaction, organization: WorkosOrganization, source: AuditSource) {
      const row = await hold(trx, organization.id, deps.clock());
      const change = changeOf(row, organization);
      if (Object.keys(change).length === 0) return false;
      await write(deps, trx, { organizationId: organization.id, action, change, source });
      return true;
    };

  return {
    /** Locks the tenant's row, and creates it if there is none. */
    async hold(trx: Knex.Transaction, organizationId: string): Promise<HeldTenant> {
      const now = deps.clock();
      const { deleted_at, decommission_at, decommissioned_at } = await hold(trx, organizationId, now);
      const isEnding = decommission_at !== null && decommission_at <= now;
      return { deleted: deleted_at !== null, keysEndAt: isEnding ? (decommissioned_at ?? now) : undefined };
    },

    /** Gives the first posture even if a key created the row before, unless billing has set a status. */
    created: change('organization.created', (row, organization) => ({
      ...(isNewer(row, organization) && identityOf(row, organization)),
      ...(row.billing_status === null && deps.firstPosture && postureOf(deps.firstPosture, organization)),
    })),

    // Created and renamed within one millisecond: the renaming came later.
    updated: change('organization.updated', (row, organization) => {
      const renamed = identityOf(row, organization);
      const isSame = row.name === renamed.name && !('stripe_customer_id' in renamed) && !isNewer(row, organization);
      return isSame || isOlder(row, organization) ? {} : renamed;
    }),

    /** Keeps the row, so that late events change nothing. */
    deleted: change('organization.deleted', (row, organization) => ({
      ...(isNewer(row, organization) && identityOf(row, organization)),
      ...(!row.deleted_at && { deleted_at: deps.clock() }),
    })),
  };
}

async function hold(trx: Knex.Transaction, organizationId: string, now: Date): Promise<Row> {
  // The update changes nothing; it locks and returns a row that another transaction created.
  const { rows } = await trx.raw<{ rows: Row[] }>(
    `insert into tenants as tenant (organization_id, created_at, updated_at) values (?, ?, ?)
     on conflict (organization_id) do update set updated_at = tenant.updated_at
     returning organization_id, name, stripe_customer_id, billing_status, trial_ends_at, workos_updated_at, deleted_at,
       decommission_at, decommissioned_at`,
    [organizationId, now, now],
  );
  return rows[0]!;
}

type Written = { organizationId: string; action: AuditAction; change: Change; source: AuditSource };

async function write({ audit, clock }: Deps, trx: Knex.Transaction, written: Written): Promise<void> {
  const { organizationId, action, change, source } = written;
  await trx<Row>('tenants')
    .where({ organization_id: organizationId })
    .update({ ...change, updated_at: clock() });
  const { name, stripe_customer_id: customer, billing_status: status, trial_ends_at: trialEndsAt } = change;
  await audit.append(trx, {
    ...source,
    organizationId,
    action,
    target: { kind: 'organization', id: organizationId },
    details: {
      ...(name !== undefined && { name }),
      ...(customer !== undefined && { stripe_customer_id: customer }),
      ...(status !== undefined && { billing_status: status, trial_ends_at: trialEndsAt?.toISOString() ?? null }),
    },
  });
}

function identityOf(row: Row, { name, stripeCustomerId, updatedAt }: WorkosOrganization) {
  const customer = stripeCustomerId ?? null;
  return {
    name: cleaned(name),
    workos_updated_at: updatedAt,
    ...(customer !== row.stripe_customer_id && { stripe_customer_id: customer }),
  };
}

/** Counts the trial from the creation of the organization, whenever its event arrives. */
function postureOf({ status, trialDays }: FirstPosture, { createdAt }: WorkosOrganization): Change {
  const trialEndsAt = trialDays === undefined ? null : new Date(createdAt.getTime() + trialDays * DAY_MS);
  return { billing_status: status, trial_ends_at: trialEndsAt };
}

function isNewer(row: Row, { updatedAt }: WorkosOrganization): boolean {
  return !row.workos_updated_at || updatedAt > row.workos_updated_at;
}

function isOlder(row: Row, { updatedAt }: WorkosOrganization): boolean {
  return row.workos_updated_at !== null && updatedAt < row.workos_updated_at;
}

// PostgreSQL refuses this character in text.
function cleaned(name: string): string {
  return [...name.replaceAll('\0', '').toWellFormed()].slice(0, MAX_NAME).join('');
}
