import type { Knex } from 'knex';
import { notSetAside } from '../../background/items.ts';
import type { Account, BillingStatus, Posture } from '../../tenants/posture.ts';

/** The posture that was told last, what it followed from, and when the clock changes it. */
export type Told = Account & { posture: Posture; until: Date | undefined };

type AccountRow = {
  billing_status: BillingStatus | null;
  status_since: Date | null;
  trial_ends_at: Date | null;
  deleted_at: Date | null;
};
type ToldRow = AccountRow & { organization_id: string; posture: Posture; until: Date | null };
type Candidate = AccountRow & { organization_id: string; posture: Posture | null; until: Date | null };

const ACCOUNT = ['billing_status', 'status_since', 'trial_ends_at', 'deleted_at'] as const;

/** What a tenant's posture follows from; held until the transaction ends. */
export async function readAccount(trx: Knex.Transaction, organizationId: string): Promise<Account> {
  const row = await trx<AccountRow & { organization_id: string }>('tenants')
    .where({ organization_id: organizationId })
    .forUpdate()
    .first(...ACCOUNT);
  return toAccount(row);
}

export async function readTold(trx: Knex.Transaction, organizationId: string): Promise<Told | undefined> {
  const row = await trx<ToldRow>('notice_postures').where({ organization_id: organizationId }).first();
  return row && { ...toAccount(row), posture: row.posture, until: row.until ?? undefined };
}

export async function writeTold(trx: Knex.Transaction, organizationId: string, told: Told): Promise<void> {
  await trx<ToldRow>('notice_postures')
    .insert({
      organization_id: organizationId,
      posture: told.posture,
      until: told.until ?? null,
      billing_status: told.status ?? null,
      status_since: told.statusSince ?? null,
      trial_ends_at: told.trialEndsAt ?? null,
      deleted_at: told.deletedAt ?? null,
    })
    .onConflict('organization_id')
    .merge();
}

export const POSTURES_LOOP = 'tell_postures';

/** Organizations whose told posture the clock has ended. */
export function dueOrganizations(db: Knex, now: Date, limit: number): Promise<string[]> {
  return db('notice_postures')
    .where('until', '<=', now)
    .whereRaw(notSetAside(POSTURES_LOOP, 'notice_postures.organization_id'), [now])
    .orderBy('until')
    .limit(limit)
    .pluck('organization_id');
}

/** Tenants in the order of their ids, each with what was told of it. */
export async function pageOfTenants(db: Knex, after: string, limit: number) {
  const rows = await db<Candidate>('tenants as tenant')
    .leftJoin('notice_postures as told', 'told.organization_id', 'tenant.organization_id')
    .where('tenant.organization_id', '>', after)
    .orderBy('tenant.organization_id')
    .limit(limit)
    .select<Candidate[]>(
      'tenant.organization_id',
      ...ACCOUNT.map((column) => `tenant.${column}`),
      'told.posture',
      'told.until',
    );
  return rows.map((row) => ({
    organizationId: row.organization_id,
    account: toAccount(row),
    told: row.posture === null ? undefined : { posture: row.posture, until: row.until ?? undefined },
  }));
}

/** Where nobody wants to know, nothing is known that could be out of date later. */
export async function forgetTold(db: Knex): Promise<void> {
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
