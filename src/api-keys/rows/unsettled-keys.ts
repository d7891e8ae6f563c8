import type { Knex } from 'knex';
import type { KeyRow } from './key-row.ts';

/** A row that work is left on: what it is now says which. */
export type UnsettledKey = {
  organizationId: string;
  rowId: string;
  environment: KeyRow['environment'];
  /** Whose key it was to be, if a person's. */
  ownerUserId: string | undefined;
  status: KeyRow['status'];
  workosId: string | undefined;
  expiresAt: Date | undefined;
  /** The end that WorkOS is known to have. */
  workosExpiresAt: Date | undefined;
  createdAt: Date;
  attempts: number;
  /** Until when its claimant has it. */
  leasedUntil: Date;
};

/** `end` undefined: never. `updatedAt` undefined: WorkOS has no such key any more, or it has ended there. */
export type ConfirmedExpiry = { end: Date | undefined; updatedAt: Date | undefined };

type RowId = { organizationId: string; rowId: string };
/** What a claim may write is bound to it: whoever changes the row meanwhile takes it over. */
type Claim = RowId & Pick<UnsettledKey, 'status' | 'attempts' | 'leasedUntil'>;

/** One organization's keys of one environment. */
export type KeysOf = Pick<UnsettledKey, 'organizationId' | 'environment'>;

/** Which rows a claim takes: undefined for those of all organizations. `except`: environments that WorkOS is not asked of. */
export type Claimed = { only?: KeysOf | undefined; except?: readonly UnsettledKey['environment'][] };

export type UnsettledKeys = ReturnType<typeof makeUnsettledKeys>;

/**
 * The work that is left over between the mirror and WorkOS, taken row by row: whoever claims rows moves their `due_at`
 * into the future, so that any number of replicas may look and a claimant that dies is followed by another.
 */
export function makeUnsettledKeys(db: Knex) {
  const row = ({ organizationId, rowId }: RowId) =>
    db<KeyRow>('api_keys').where({ organization_id: organizationId, id: rowId });
  const claimed = ({ status, attempts, leasedUntil, ...id }: Claim) =>
    row(id).where({ status, attempts, due_at: leasedUntil });

  return {
    /** Of all organizations and environments, unless some are named. */
    claim: (limit: number, now: Date, until: Date, of: Claimed = {}) => claim(db, limit, now, until, of),

    /** Holds a claimed row for longer, unless somebody has taken it over. */
    async renew(claim: Claim, until: Date): Promise<void> {
      if ((await claimed(claim).update({ due_at: until })) > 0) claim.leasedUntil = until;
    },

    /** Ends a row that never became a key; from here on it cannot be made active. @returns whether it was waiting. */
    async fail(id: RowId, now: Date, dueAt: Date | undefined): Promise<boolean> {
      const ended = await row(id)
        .where({ status: 'provisioning' })
        .update({ status: 'failed', updated_at: now, due_at: dueAt ?? null });
      return ended > 0;
    },

    /** Ends a row whose maker is gone, and asks for a look at what it left at WorkOS. */
    abandon,

    /** Asks for a look at the row now rather than when its maker's time is over. */
    async hasten(id: RowId, now: Date): Promise<void> {
      await row(id).whereNotNull('due_at').update({ due_at: now });
    },

    /** The same, also for a row on which nothing was left to do. */
    async reopen(id: RowId, now: Date): Promise<void> {
      await row(id).update({ due_at: now, attempts: 0 });
    },

    /** Ends a claimed row that never became a key, as `fail`; the claim goes on. @returns whether it was waiting. */
    async failClaimed(claim: Claim, now: Date): Promise<boolean> {
      return (await claimed(claim).update({ status: 'failed', updated_at: now })) > 0;
    },

    /** Ends a claim with work left, unless somebody else has left other work meanwhile. */
    async lookAgainAt(claim: Claim, dueAt: Date): Promise<void> {
      await claimed(claim).update({ due_at: dueAt });
    },

    /** Ends a claim with nothing left to do, unless somebody else has left work, or WorkOS has told of an end, meanwhile. */
    async settle(claim: Claim & Pick<UnsettledKey, 'workosExpiresAt'>): Promise<void> {
      await claimed(claim)
        .whereRaw('workos_expires_at is not distinct from ?::timestamptz', [claim.workosExpiresAt ?? null])
        .update({ due_at: null, attempts: 0 });
    },

    /** Ends a row of which WorkOS has no key, for its maker; one that others took over or reopened is left to them. */
    async close(id: RowId, now: Date): Promise<void> {
      await row(id)
        .whereRaw(`(status = 'provisioning' or (status = 'failed' and attempts = 0 and due_at > ?))`, [now])
        .update({ status: 'failed', updated_at: now, due_at: null });
    },

    /** Notes that WorkOS has no such key any more. */
    async confirmDeleted(id: RowId, now: Date): Promise<void> {
      await row(id).where({ status: 'revoked' }).update({ workos_deleted_at: now, due_at: null, attempts: 0 });
    },

    /**
     * Notes the end that WorkOS has agreed to, and when it did, so that what it told before is old news; of a key that
     * has ended there and lives here, what WorkOS knows stays as it was. If the key's end has moved on since, here or at
     * WorkOS, WorkOS has to be told again: nobody knows which of the two it heard last.
     */
    async confirmExpiry(id: RowId, agreed: ConfirmedExpiry, now: Date): Promise<void> {
      if (await agreeOn(db, id, agreed, now)) return;
      await row(id).where({ status: 'active' }).update({ due_at: now, attempts: 0 });
    },

    /** How long the oldest work has waited, in seconds; 0 when none is late. */
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

/** @returns whether this is the key's end still, here and as far as is known at WorkOS */
async function agreeOn(
  db: Knex,
  { organizationId, rowId }: RowId,
  { end, updatedAt }: ConfirmedExpiry,
  now: Date,
): Promise<boolean> {
  const agrees = updatedAt !== undefined || (end !== undefined && end <= now);
  const agreed = await db<KeyRow>('api_keys')
    .where({ organization_id: organizationId, id: rowId, status: 'active', expires_at: end ?? null })
    // An event that WorkOS sent later has told of another end by then.
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
    // The claim has just written it.
    leasedUntil: row.due_at!,
  };
}
