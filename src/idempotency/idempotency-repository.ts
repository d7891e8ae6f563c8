import type { Knex } from 'knex';

/** A place: one caller's key on one route. */
export type Place = { organizationId: string; keyHash: Buffer };
export type Held = {
  requestHash: Buffer;
  rowId: string;
  lockedUntil: Date;
  sealed: Buffer | undefined;
  expiresAt: Date;
};

type Row = {
  organization_id: string;
  key_hash: Buffer;
  request_hash: Buffer;
  row_id: string;
  locked_until: Date;
  sealed: Buffer | null;
  expires_at: Date;
};

export type IdempotencyRepository = ReturnType<typeof makeIdempotencyRepository>;

export function makeIdempotencyRepository(db: Knex) {
  return {
    /** Takes a free place. @returns whether it was free */
    async take(trx: Knex.Transaction, place: Place, held: Held): Promise<boolean> {
      const taken = await trx<Row>('idempotency_keys')
        .insert(toRow(place, held))
        .onConflict()
        .ignore()
        .returning('row_id');
      return taken.length > 0;
    },

    holdAll,

    findTaken,

    /** Reads a place and keeps it from changing until the transaction ends. */
    async lock(trx: Knex.Transaction, place: Place): Promise<Held | undefined> {
      const row = await placeRow(trx, place).forUpdate().first();
      return row && toHeld(row);
    },

    async retake(trx: Knex.Transaction, place: Place, held: Held): Promise<void> {
      await placeRow(trx, place).update(toRow(place, held));
    },

    /** @returns whether the place was still held by this row */
    async complete(trx: Knex.Transaction, place: Place, rowId: string, sealed: Buffer): Promise<boolean> {
      const completed = await placeRow(trx, place).where({ row_id: rowId }).whereNull('sealed').update({ sealed });
      return completed > 0;
    },

    /** Gives a place back, unless somebody else has it by now or it was completed. */
    async release(place: Place, rowId: string): Promise<void> {
      await placeRow(db, place).where({ row_id: rowId }).whereNull('sealed').del();
    },

    /** Deletes at most `limit` places whose time is over. @returns how many */
    async sweep(now: Date, limit: number): Promise<number> {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        `delete from idempotency_keys where (organization_id, key_hash) in (
           select organization_id, key_hash from idempotency_keys where expires_at <= ? limit ? for update skip locked
         ) returning 1`,
        [now, limit],
      );
      return rows.length;
    },
  };
}

function placeRow(on: Knex, { organizationId, keyHash }: Place) {
  return on<Row>('idempotency_keys').where({ organization_id: organizationId, key_hash: keyHash });
}

function toRow({ organizationId, keyHash }: Place, held: Held): Row {
  return {
    organization_id: organizationId,
    key_hash: keyHash,
    request_hash: held.requestHash,
    row_id: held.rowId,
    locked_until: held.lockedUntil,
    sealed: held.sealed ?? null,
    expires_at: held.expiresAt,
  };
}

function toHeld(row: Row): Held {
  return {
    requestHash: row.request_hash,
    rowId: row.row_id,
    lockedUntil: row.locked_until,
    sealed: row.sealed ?? undefined,
    expiresAt: row.expires_at,
  };
}

/** Keeps everybody else from these places, in whatever order they name them, until the transaction ends. */
async function holdAll(trx: Knex.Transaction, keyHashes: readonly Buffer[]): Promise<void> {
  for (const keyHash of keyHashes.toSorted(Buffer.compare)) {
    await trx.raw('select pg_advisory_xact_lock(?)', [keyHash.readBigInt64BE().toString()]);
  }
}

/** Which of these places is taken; of several the one that ends last. */
async function findTaken(
  trx: Knex.Transaction,
  organizationId: string,
  keyHashes: readonly Buffer[],
): Promise<Buffer | undefined> {
  const row = await trx<Row>('idempotency_keys')
    .where({ organization_id: organizationId })
    .whereIn('key_hash', keyHashes)
    .orderBy('expires_at', 'desc')
    .first('key_hash');
  return row && Buffer.from(row.key_hash);
}
