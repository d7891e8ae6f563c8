import type { Knex } from 'knex';

/** `keyHash`: HMAC of caller, route and `Idempotency-Key`. */
export type RecordId = { organizationId: string; keyHash: Buffer };
export type IdempotencyRecord = {
  requestHash: Buffer;
  /** The `api_keys` row that the request inserts. */
  rowId: string;
  lockedUntil: Date;
  /** The answer; undefined while the request runs. */
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
    /** @returns false when there is such a record already */
    async insert(trx: Knex.Transaction, id: RecordId, record: IdempotencyRecord): Promise<boolean> {
      const inserted = await trx<Row>('idempotency_keys')
        .insert(toRow(id, record))
        .onConflict()
        .ignore()
        .returning('row_id');
      return inserted.length > 0;
    },

    lockIds,

    findExisting,

    /** Reads a record and locks it until the transaction ends. */
    async lock(trx: Knex.Transaction, id: RecordId): Promise<IdempotencyRecord | undefined> {
      const row = await recordRow(trx, id).forUpdate().first();
      return row && toRecord(row);
    },

    async replace(trx: Knex.Transaction, id: RecordId, record: IdempotencyRecord): Promise<void> {
      await recordRow(trx, id).update(toRow(id, record));
    },

    /** Stores the answer. @returns false when another request has taken the record over */
    async complete(trx: Knex.Transaction, id: RecordId, rowId: string, sealed: Buffer): Promise<boolean> {
      const completed = await recordRow(trx, id).where({ row_id: rowId }).whereNull('sealed').update({ sealed });
      return completed > 0;
    },

    /** Deletes the record of a failed request, unless another request has taken it over or it has an answer. */
    async release(id: RecordId, rowId: string): Promise<void> {
      await recordRow(db, id).where({ row_id: rowId }).whereNull('sealed').del();
    },

    /** Deletes at most `limit` expired records. @returns how many */
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

function recordRow(on: Knex, { organizationId, keyHash }: RecordId) {
  return on<Row>('idempotency_keys').where({ organization_id: organizationId, key_hash: keyHash });
}

function toRow({ organizationId, keyHash }: RecordId, record: IdempotencyRecord): Row {
  return {
    organization_id: organizationId,
    key_hash: keyHash,
    request_hash: record.requestHash,
    row_id: record.rowId,
    locked_until: record.lockedUntil,
    sealed: record.sealed ?? null,
    expires_at: record.expiresAt,
  };
}

function toRecord(row: Row): IdempotencyRecord {
  return {
    requestHash: row.request_hash,
    rowId: row.row_id,
    lockedUntil: row.locked_until,
    sealed: row.sealed ?? undefined,
    expiresAt: row.expires_at,
  };
}

/** Takes advisory locks, always in the same order, until the transaction ends. */
async function lockIds(trx: Knex.Transaction, keyHashes: readonly Buffer[]): Promise<void> {
  for (const keyHash of keyHashes.toSorted(Buffer.compare)) {
    await trx.raw('select pg_advisory_xact_lock(?)', [keyHash.readBigInt64BE().toString()]);
  }
}

/** Returns which of these records exists; of several, the one that expires last. */
async function findExisting(
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
