import type { ImportedCounts } from '../api-keys/rows/imported-keys.ts';
import type { ImportRun } from './import-runs.ts';

/** How far an import is, for programs. `verified_share`: from 0 to 1. */
export function statusOf(run: ImportRun, counts: ImportedCounts) {
  return {
    import: run.name,
    state: run.state,
    rows: run.position,
    imported: run.imported,
    ended: run.revoked,
    refused: run.refused,
    removed: run.removed,
    started_at: run.startedAt.toISOString(),
    updated_at: run.updatedAt.toISOString(),
    keys: { ...counts, verified_share: shareOf(counts) },
  };
}

/** The same for people. */
export function statusLines(run: ImportRun, counts: ImportedCounts): string {
  const { keys, unused, verified, rotated, revoked } = counts;
  const percent = (shareOf(counts) * 100).toFixed(1);
  return [
    `${run.name}: ${run.state}, since ${run.updatedAt.toISOString()}`,
    `  last run: ${run.position} rows; ${run.imported} imported, ${run.revoked} ended, ${run.refused} refused, ${run.removed} removed`,
    `  keys: ${keys}; ${verified} used here (${percent} %), ${unused} not yet; ${rotated} rotated, ${revoked} revoked`,
    '',
  ].join('\n');
}

function shareOf({ keys, verified }: ImportedCounts): number {
  return keys === 0 ? 0 : verified / keys;
}
