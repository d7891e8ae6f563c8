import type { Knex } from 'knex';
import type { KeyRow } from './key-row.ts';

/** A row with work left to do at WorkOS; its status says which. */
export type UnsettledKey = {
  organizationId: string;
  rowId: string;
  environment: KeyRow['environment'];
  /** The person who was to own the key; undefined: the organization. */
  ownerUserId: string | undefined;
  status: KeyRow['status'];
  workosId: string | undefined;
  expiresAt: Date | undefined;
  /** The expiry that WorkOS last confirmed. */
  workosExpiresAt: Date | undefined;
  createdAt: Date;
  attempts: number;
  /** When the claim ends. */
  leasedUntil: Date;
};

/** `end`: the expiry, undefined for never. `updatedAt` undefined: WorkOS has no such key, or it has expired there. */
export type ConfirmedExpiry = { end: Date | undefined; updatedAt: Date | undefined };

type RowId = { organizationId: string; rowId: string };
/** Every write of a claim compares these: a row that was changed meanwhile is no longer its own. */
type Claim = RowId & Pick<UnsettledKey, 'status' | 'attempts' | 'leasedUntil'>;

/** One organization's keys of one environment. */
export type KeysOf = Pick<UnsettledKey, 'organizationId' | 'environment'>;

/** Which rows a claim takes. `only` undefined: those of all organizations. `except`: environments to leave alone. */
export type Claimed = { only?: KeysOf | undefined; except?: readonly UnsettledKey['environment'][] };

export type UnsettledKeys = ReturnType<typeof makeUnsettledKeys>;

/**
 * The work left over between the mirror and WorkOS: rows whose `due_at` has come. A claim moves `due_at` into the future,
 * so any number of replicas can claim, and rows of one that dies come due again.
 */
export function makeUnsettledKeys(db: Knex) {
  const row = ({ organizationId, rowId }: RowId) =>
    db<KeyRow>('api_keys').where({ organization_id: organizationId, id: rowId });
  const claimed = ({ status, attempts, leasedUntil, ...id }: Claim) =>
    row(id).where({ status, attempts, due_at: leasedUntil });

  return {
    /** Claims at most `limit` due rows until `until`. */
    claim: (limit: number, now: Date, until: Date, of: Claimed = {}) => claim(db, limit, now, until, of),

    /** Extends a claim, unless another replica has taken the row over. */
    async renew(claim: Claim, until: Date): Promise<void> {
      if ((await claimed(claim).update({ due_at: until })) > 0) claim.leasedUntil = until;
    },

    /** Fails a provisioning; it can no longer become active. @returns false when it was not provisioning */
    async fail(id: RowId, now: Date, dueAt: Date | undefined): Promise<boolean> {
      const ended = await row(id)
        .where({ status: 'provisioning' })
        .update({ status: 'failed', updated_at: now, due_at: dueAt ?? null });
      return ended > 0;
    },

    /** Fails a provisioning whose replica died, and has the settler look for its key at WorkOS. */
    abandon,

    /** Makes a row that is due later due now. */
    async hasten(id: RowId, now: Date): Promise<void> {
      await row(id).whereNotNull('due_at').update({ due_at: now });
    },

    /** Makes any row due now. */
    async reopen(id: RowId, now: Date): Promise<void> {
      await row(id).update({ due_at: now, attempts: 0 });
    },

    /** Fails a claimed provisioning and keeps the claim. @returns false when it was not provisioning */
    async failClaimed(claim: Claim, now: Date): Promise<boolean> {
      return (await claimed(claim).update({ status: 'failed', updated_at: now })) > 0;
    },

    /** Ends a claim with work left until `dueAt`, unless the row was changed meanwhile. */
    async lookAgainAt(claim: Claim, dueAt: Date): Promise<void> {
      await claimed(claim).update({ due_at: dueAt });
    },

    /** Ends a claim with nothing left to do, unless the row or its expiry at WorkOS was changed meanwhile. */
    async settle(claim: Claim & Pick<UnsettledKey, 'workosExpiresAt'>): Promise<void> {
      await claimed(claim)
        .whereRaw('workos_expires_at is not distinct from ?::timestamptz', [claim.workosExpiresAt ?? null])
        .update({ due_at: null, attempts: 0 });
    },

    /** Fails a row of which WorkOS has no key, unless the settler has taken it over or it was reopened. */
    async close(id: RowId, now: Date): Promise<void> {
      await row(id)
        .whereRaw(`(status = 'provisioning' or (status = 'failed' and attempts = 0 and due_at > ?))`, [now])
        .update({ status: 'failed', updated_at: now, due_at: null });
    },

    /** Records that WorkOS has deleted the key. */
    async confirmDeleted(id: RowId, now: Date): Promise<void> {
      await row(id).where({ status: 'revoked' }).update({ workos_deleted_at: now, due_at: null, attempts: 0 });
    },

    /**
     * Records the expiry that WorkOS confirmed, and when, so that older events no longer count. Where the key has expired
     * at WorkOS but not here, what is recorded of WorkOS stays. If the key's expiry has changed since, here or at WorkOS,
     * the row is due again: it is unknown which of the two changes reached WorkOS last.
     */
    async confirmExpiry(id: RowId, agreed: ConfirmedExpiry, now: Date): Promise<void> {
      if (await agreeOn(db, id, agreed, now)) return;
      await row(id).where({ status: 'active' }).update({ due_at: now, attempts: 0 });
    },

    /** Returns how long the oldest due row has waited, in seconds; 0 when none is due. */
    lagSeconds: (now: Date): Promise<number> => lagSeconds(db, now),
  };
}

async function abandon(trx: Knex.Transaction, { organizationId, rowId }: RowId, now: Date): Promise<void> {
  await trx<KeyRow>('api_keys')
    .where({ organization_id: organizationId, id: rowId, status: 'provisioning' })
    .update({ status: 'failed', updated_at: now, due_at: now });
}

async function lagSeconds(db: Knex, now: Date): Promise<number> {
  const { rows } = await db.raw<{ rows: { oldest: Date | null }[] }>(
    'select min(due_at) as oldest from api_keys where due_at <= ?',
    [now],
  );
  const oldest = rows[0]?.oldest;
  return oldest ? (now.getTime() - oldest.getTime()) / 1_000 : 0;
}

/** @returns false when the expiry has changed since, here or at WorkOS */
async function agreeOn(
  db: Knex,
  { organizationId, rowId }: RowId,
  { end, updatedAt }: ConfirmedExpiry,
  now: Date,
): Promise<boolean> {
  const agrees = updatedAt !== undefined || (end !== undefined && end <= now);
  const agreed = await db<KeyRow>('api_keys')
    .where({ organization_id: organizationId, id: rowId, status: 'active', expires_at: end ?? null })
    // A later event may have brought another expiry already.
    .whereRaw(
      `(?::timestamptz is null or workos_updated_at is null or workos_updated_at < ?
        or (workos_updated_at = ? and workos_expires_at is not distinct from ?))`,
      [updatedAt ?? null, updatedAt ?? null, updatedAt ?? null, end ?? null],
    )
    .update({
      ...(agrees && { workos_expires_at: end ?? null }),
      ...(updatedAt && { workos_updated_at: db.raw('greatest(workos_updated_at, ?::timestamptz)', [updatedAt]) }),
      due_at: null,
      attempts: 0,
    });
  return agreed > 0;
}

async function claim(
  db: Knex,
  limit: number,
  now: Date,
  until: Date,
  { only, except = [] }: Claimed,
): Promise<UnsettledKey[]> {
  const { rows } = await db.raw<{ rows: KeyRow[] }>(
    `update api_keys
     set due_at = ?, attempts = attempts + 1
     where (organization_id, id) in (
       select organization_id, id from api_keys where due_at <= ? and (?::text is null or (organization_id = ? and environment = ?))
         and environment <> all(?::text[])
       order by due_at limit ? for update skip locked
     )
     returning organization_id, id, environment, owner_user_id, status, workos_id, expires_at, workos_expires_at, created_at, attempts, due_at`,
    [
      until,
      now,
      only?.organizationId ?? null,
      only?.organizationId ?? null,
      only?.environment ?? null,
      [...except],
      limit,
    ],
  );
  return rows.map(toUnsettled);
}

function toUnsettled(row: KeyRow): UnsettledKey {
  return {
    organizationId: row.organization_id,
    rowId: row.id,
    environment: row.environment,
    ownerUserId: row.owner_user_id ?? undefined,
    status: row.status,
    workosId: row.workos_id ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    workosExpiresAt: row.workos_expires_at ?? undefined,
    createdAt: row.created_at,
    attempts: row.attempts,
    // The claim has just set it.
    leasedUntil: row.due_at!,
  };
}
