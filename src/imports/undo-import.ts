import type { Knex } from 'knex';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { deleteUnusedImported } from '../api-keys/rows/imported-keys.ts';
import { transaction } from '../db/transaction.ts';
import type { Announce } from '../invalidation/announce.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { BATCH, countsByOrganization } from './apply-import.ts';
import type { HeldRun, ImportRuns } from './import-runs.ts';

type Deps = {
  db: Knex;
  runs: Pick<ImportRuns, 'beginUndo' | 'hold' | 'advance' | 'end'>;
  deleteUnused: typeof deleteUnusedImported;
  audit: Pick<AuditLog, 'appendEach'>;
  announce: Announce;
  at: FaultPoint;
  clock: Clock;
};

type Undoing = { name: string; onBatch: (removed: number) => void; signal: AbortSignal };

/**
 * Removes the keys of an import that were never used; those that were used, rotated or revoked stay. Batches are
 * transactions: an interrupted undo is run again.
 * @returns `undone`, `stopped` when it was aborted between batches, or `unknown` for an import that was never applied
 * @throws RunReplaced
 */
export function makeUndoImport(deps: Deps) {
  return async function undoImport({ name, onBatch, signal }: Undoing): Promise<'undone' | 'stopped' | 'unknown'> {
    const { db, runs, at, clock } = deps;
    const held = await runs.beginUndo(name, clock());
    if (!held) return 'unknown';
    for (;;) {
      if (signal.aborted) return 'stopped';
      const removed = await transaction(db, (trx) => removeBatch(deps, trx, held));
      await at('undo.batch');
      if (removed === 0) break;
      onBatch(removed);
    }
    await runs.end(held, 'undone', clock());
    return 'undone';
  };
}

async function removeBatch(deps: Deps, trx: Knex.Transaction, held: HeldRun): Promise<number> {
  const { runs, audit, announce, clock } = deps;
  await runs.hold(trx, held);
  const removed = await deps.deleteUnused(trx, held.name, BATCH);
  if (removed.length === 0) return 0;
  await runs.advance(trx, held, { position: 0, removed: removed.length }, clock());
  await audit.appendEach(trx, countsByOrganization(held.name, 'key_import.undone', removed));
  // A key whose first use was a moment ago may be in memory, though its use is not written yet.
  for (const organizationId of new Set(removed.map((key) => key.organizationId)))
    await announce(trx, { organizationId });
  return removed.length;
}
