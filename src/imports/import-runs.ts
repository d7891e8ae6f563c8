import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { transaction } from '../db/transaction.ts';

export type ImportState = 'applying' | 'applied' | 'undoing' | 'undone';
/** How many rows the batches so far have imported, revoked and refused, and how many keys an undo has removed. */
export type RunCounts = { imported: number; revoked: number; refused: number; removed: number };
export type ImportRun = RunCounts & {
  name: string;
  state: ImportState;
  /** How many rows of the source the batches have taken. */
  position: number;
  startedAt: Date;
  updatedAt: Date;
};
/** A run that may write the next batch, unless another one has begun since. */
export type HeldRun = { name: string; run: string; position: number };

type Row = Record<keyof RunCounts | 'position', string> & {
  name: string;
  state: ImportState;
  run: string;
  source_digest: Buffer | null;
  started_at: Date;
  updated_at: Date;
};

/** Another process has begun to apply or to undo the same import. */
export class RunReplaced extends Error {
  constructor(name: string) {
    super(`Another process works on the import '${name}' now; this one has stopped.`);
  }
}

/** An import cannot be applied while its undo is not finished. */
export class UndoUnfinished extends Error {
  constructor(name: string) {
    super(`The undo of the import '${name}' is not finished. Run it again first.`);
  }
}

export type ImportRuns = ReturnType<typeof makeImportRuns>;

/** The imports that were begun, and how far they are: one row each, which every batch writes in its transaction. */
export function makeImportRuns(db: Knex) {
  return {
    /**
     * Begins to apply: behind the last batch for the same source, else at its start.
     * @param sourceDigest undefined for a source that cannot be compared
     * @throws UndoUnfinished
     */
    beginApply: (name: string, sourceDigest: Buffer | undefined, now: Date): Promise<HeldRun> =>
      transaction(db, (trx) => beginApply(trx, name, sourceDigest, now)),

    /** Begins to undo. @returns undefined for an import that was never applied */
    beginUndo: (name: string, now: Date): Promise<HeldRun | undefined> =>
      transaction(db, async (trx) => {
        const before = await lockRow(trx, name);
        if (!before) return undefined;
        return begin(trx, name, { state: 'undoing', source_digest: null }, before, now);
      }),

    /** Locks the run until the transaction ends. @throws RunReplaced */
    async hold(trx: Knex.Transaction, { name, run }: HeldRun): Promise<void> {
      if ((await lockRow(trx, name))?.run !== run) throw new RunReplaced(name);
    },

    /** Adds a batch to a run that `hold` has locked. */
    advance,

    /** Ends a run. @throws RunReplaced */
    async end({ name, run }: HeldRun, state: 'applied' | 'undone', now: Date): Promise<void> {
      const ended = await db<Row>('key_imports').where({ name, run }).update({ state, updated_at: now });
      if (ended === 0) throw new RunReplaced(name);
    },

    async list(): Promise<ImportRun[]> {
      const rows = await db<Row>('key_imports').orderBy('name').limit(MAX_LISTED);
      return rows.map(toRun);
    },
  };
}

const MAX_LISTED = 100;

async function beginApply(
  trx: Knex.Transaction,
  name: string,
  sourceDigest: Buffer | undefined,
  now: Date,
): Promise<HeldRun> {
  const before = await lockRow(trx, name);
  if (before?.state === 'undoing') throw new UndoUnfinished(name);
  const isSame = sourceDigest !== undefined && before?.source_digest?.equals(sourceDigest) === true;
  const continued = before?.state === 'applying' && isSame ? before : undefined;
  return begin(trx, name, { state: 'applying', source_digest: sourceDigest ?? null }, continued, now);
}

async function advance(
  trx: Knex.Transaction,
  { name }: HeldRun,
  added: Partial<RunCounts> & { position: number },
  now: Date,
): Promise<void> {
  await trx<Row>('key_imports')
    .where({ name })
    .update({
      position: String(added.position),
      imported: trx.raw('imported + ?', [added.imported ?? 0]),
      revoked: trx.raw('revoked + ?', [added.revoked ?? 0]),
      refused: trx.raw('refused + ?', [added.refused ?? 0]),
      removed: trx.raw('removed + ?', [added.removed ?? 0]),
      updated_at: now,
    });
}

async function lockRow(trx: Knex.Transaction, name: string): Promise<Row | undefined> {
  return trx<Row>('key_imports').where({ name }).forUpdate().first();
}

type Begun = { state: ImportState; source_digest: Buffer | null };

async function begin(
  trx: Knex.Transaction,
  name: string,
  begun: Begun,
  continued: Row | undefined,
  now: Date,
): Promise<HeldRun> {
  const run = randomUUID();
  const none = { position: '0', imported: '0', revoked: '0', refused: '0', removed: '0' };
  const values = { ...begun, run, updated_at: now, ...(!continued && { ...none, started_at: now }) };
  await trx<Row>('key_imports')
    .insert({ name, started_at: now, ...none, ...values })
    .onConflict('name')
    .merge(values);
  return { name, run, position: Number(continued?.position ?? 0) };
}

function toRun(row: Row): ImportRun {
  return {
    name: row.name,
    state: row.state,
    position: Number(row.position),
    imported: Number(row.imported),
    revoked: Number(row.revoked),
    refused: Number(row.refused),
    removed: Number(row.removed),
    startedAt: row.started_at,
    updatedAt: row.updated_at,
  };
}
