import type { Knex } from 'knex';
import { notSetAside } from '../../background/items.ts';
import type { Account, BillingStatus, Posture } from '../../tenants/posture.ts';

/** The posture that was published last, what it followed from, and when the clock changes it. */
export type PublishedPosture = Account & { posture: Posture; until: Date | undefined };

type AccountRow = {
  billing_status: BillingStatus | null;
  status_since: Date | null;
  trial_ends_at: Date | null;
  deleted_at: Date | null;
};
type PublishedRow = AccountRow & { organization_id: string; posture: Posture; until: Date | null };
type Candidate = AccountRow & { organization_id: string; posture: Posture | null; until: Date | null };

const ACCOUNT = ['billing_status', 'status_since', 'trial_ends_at', 'deleted_at'] as const;

/** Reads what a tenant's posture follows from, and locks it until the transaction ends. */
export async function readAccount(trx: Knex.Transaction, organizationId: string): Promise<Account> {
  const row = await trx<AccountRow & { organization_id: string }>('tenants')
    .where({ organization_id: organizationId })
    .forUpdate()
    .first(...ACCOUNT);
  return toAccount(row);
}

export async function readPublished(
  trx: Knex.Transaction,
  organizationId: string,
): Promise<PublishedPosture | undefined> {
  const row = await trx<PublishedRow>('notice_postures').where({ organization_id: organizationId }).first();
  return row && { ...toAccount(row), posture: row.posture, until: row.until ?? undefined };
}

export async function writePublished(
  trx: Knex.Transaction,
  organizationId: string,
  published: PublishedPosture,
): Promise<void> {
  await trx<PublishedRow>('notice_postures')
    .insert({
      organization_id: organizationId,
      posture: published.posture,
      until: published.until ?? null,
      billing_status: published.status ?? null,
      status_since: published.statusSince ?? null,
      trial_ends_at: published.trialEndsAt ?? null,
      deleted_at: published.deletedAt ?? null,
    })
    .onConflict('organization_id')
    .merge();
}

export const POSTURES_LOOP = 'tell_postures';

/** Lists organizations whose published posture the clock has ended. */
export function dueOrganizations(db: Knex, now: Date, limit: number): Promise<string[]> {
  return db('notice_postures')
    .where('until', '<=', now)
    .whereRaw(notSetAside(POSTURES_LOOP, 'notice_postures.organization_id'), [now])
    .orderBy('until')
    .limit(limit)
    .pluck('organization_id');
}

/** Lists tenants by id, each with its published posture. */
export async function pageOfTenants(db: Knex, after: string, limit: number) {
  const rows = await db<Candidate>('tenants as tenant')
    .leftJoin('notice_postures as published', 'published.organization_id', 'tenant.organization_id')
    .where('tenant.organization_id', '>', after)
    .orderBy('tenant.organization_id')
    .limit(limit)
    .select<Candidate[]>(
      'tenant.organization_id',
      ...ACCOUNT.map((column) => `tenant.${column}`),
      'published.posture',
      'published.until',
    );
  return rows.map((row) => ({
    organizationId: row.organization_id,
    account: toAccount(row),
    published: row.posture === null ? undefined : { posture: row.posture, until: row.until ?? undefined },
  }));
}

/** Deletes all published postures, which would be out of date once an endpoint wants them again. */
export async function deletePublished(db: Knex): Promise<void> {
  await db('notice_postures').delete();
}

function toAccount(row: AccountRow | undefined): Account {
  return {
    status: row?.billing_status ?? undefined,
    statusSince: row?.status_since ?? undefined,
    trialEndsAt: row?.trial_ends_at ?? undefined,
    deletedAt: row?.deleted_at ?? undefined,
  };
}
