import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { keyEvent } from '../api-keys/key-audit.ts';
import type { ImportedKey, insertImportedKeys, revokeImportedKeys } from '../api-keys/rows/imported-keys.ts';
import { transaction } from '../db/transaction.ts';
import type { Announce } from '../invalidation/announce.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { ImportRule } from '../product/imports/import-rules.ts';
import { inBatches } from './batches.ts';
import type { MirrorMembers } from '../members/mirror-members.ts';
import type { Judged } from './category.ts';
import type { HeldRun, ImportRuns } from './import-runs.ts';
import type { JudgeBatch } from './judge/judge-batch.ts';
import type { JudgeRow } from './judge/judge-row.ts';
import type { SourceRow } from './sources/source-row.ts';

type Deps = {
  db: Knex;
  runs: Pick<ImportRuns, 'beginApply' | 'hold' | 'advance' | 'end'>;
  makeBatch: (importName: string) => JudgeBatch;
  /** Records that a user owns a key. @returns whether they are a member, as far as is known */
  ownsKey: MirrorMembers['ownsKey'];
  insertKeys: typeof insertImportedKeys;
  revokeKeys: typeof revokeImportedKeys;
  audit: Pick<AuditLog, 'appendEach' | 'appendAll'>;
  announce: Announce;
  at: FaultPoint;
  clock: Clock;
};

export type Applying = {
  rule: ImportRule;
  rows: AsyncIterable<SourceRow>;
  judgeRow: JudgeRow;
  /** Undefined for a source that cannot be compared with that of an earlier run. */
  sourceDigest: Buffer | undefined;
  /** Is called with the judged rows of each batch, once it is committed. */
  onBatch: (rows: readonly Judged[]) => void;
  /** Is called with how many rows an earlier run took. */
  onResumed: (rows: number) => void;
  signal: AbortSignal;
};

/** Rows of one transaction. */
export const BATCH = 1_000;
/**
 * Rows that are put in the order of their owners, so that a batch has few of them: the audit event of an organization costs
 * more than ten rows.
 */
const WINDOW = 20 * BATCH;

/**
 * Imports the rows that are ready, and revokes keys whose rows are disabled now. Batches are transactions: a run that was
 * interrupted goes on behind its last batch, and one of a newer source reads all rows again. Rows are imported once, by
 * their ids.
 * @returns whether it came to the end; false when it was aborted between batches
 * @throws RunReplaced, UndoUnfinished
 */
export function makeApplyImport(deps: Deps) {
  return async function applyImport(applying: Applying): Promise<boolean> {
    const { rule, rows, judgeRow, sourceDigest, onBatch, onResumed, signal } = applying;
    const { runs, clock, at } = deps;
    const held = await runs.beginApply(rule.name, sourceDigest, clock());
    const batch = deps.makeBatch(rule.name);
    onResumed(held.position);
    let start = 0;
    for await (const group of inBatches(rows, WINDOW)) {
      const ordered = byOwner(batch.withEarlier(group.map(judgeRow)));
      for (let from = Math.max(0, held.position - start); from < ordered.length; from += BATCH) {
        if (signal.aborted) return false;
        const some = ordered.slice(from, from + BATCH);
        const judged = await batch.withKnown(some);
        await at('import.judged');
        const next = { rule, held, position: start + from + some.length };
        onBatch(await transaction(deps.db, (trx) => writeBatch(deps, trx, next, judged)));
        await at('import.batch');
      }
      start += group.length;
    }
    await runs.end(held, 'applied', clock());
    return true;
  };
}

/** Orders rows by the owners that they name. Every run reads the same order from the file, so that it can be resumed. */
function byOwner(rows: readonly Judged[]): Judged[] {
  return rows.toSorted((a, b) => (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0));
}

type Batch = { rule: ImportRule; held: HeldRun; position: number };

/** @returns the rows with what became of them */
async function writeBatch(deps: Deps, trx: Knex.Transaction, batch: Batch, judged: Judged[]): Promise<Judged[]> {
  const { runs, audit, announce, clock } = deps;
  const { rule, held, position } = batch;
  const now = clock();
  await runs.hold(trx, held);
  const keys = judged.flatMap(({ key }) => key ?? []);
  const left = await withoutOwner(deps, trx, keys);
  const owned = keys.filter((key) => !left.has(key));
  const inserted = await deps.insertKeys(trx, rule, owned, now);
  const ended = judged.filter(({ category }) => category === 'ended').map(({ keyId }) => keyId!);
  const revoked = await deps.revokeKeys(trx, ended, now);
  const written = new Set(inserted.map(({ keyId }) => keyId));
  const outcome = judged.map((row) => {
    if (!row.key || written.has(row.key.keyId)) return row;
    return left.has(row.key) ? ownerless(row) : raced(row);
  });
  const refused = outcome.filter(({ key, category }) => !key && category !== 'already' && category !== 'ended').length;
  await runs.advance(trx, held, { position, imported: inserted.length, revoked: revoked.length, refused }, now);
  await audit.appendEach(trx, countsByOrganization(rule.name, 'key_import.applied', inserted));
  await recordEnded(audit, trx, rule.name, revoked);
  // Replicas may remember any of the new keys as unknown: one announcement voids all that they remember so.
  if (inserted[0]) await announce(trx, inserted[0]);
  return outcome;
}

/** Records the owners of personal keys, in one order in each transaction. @returns the keys of those who are no members */
async function withoutOwner(
  { ownsKey }: Pick<Deps, 'ownsKey'>,
  trx: Knex.Transaction,
  keys: readonly ImportedKey[],
): Promise<Set<ImportedKey>> {
  const left = new Set<ImportedKey>();
  const ofOwners = Map.groupBy(
    keys.filter(({ ownerUserId }) => ownerUserId !== undefined),
    ({ organizationId, ownerUserId }) => `${organizationId}/${ownerUserId}`,
  );
  for (const [, own] of [...ofOwners].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const { organizationId, ownerUserId: userId, memberAsOf } = own[0]!;
    if (await ownsKey(trx, { organizationId, userId: userId! }, memberAsOf!)) continue;
    for (const key of own) left.add(key);
  }
  return left;
}

async function recordEnded(
  audit: Pick<AuditLog, 'appendAll'>,
  trx: Knex.Transaction,
  importName: string,
  keys: readonly { organizationId: string; keyId: string; label: string }[],
): Promise<void> {
  const source = sourceOf(importName);
  for (const [organizationId, own] of Map.groupBy(keys, (key) => key.organizationId)) {
    const events = own.map(({ keyId, label }) =>
      keyEvent(organizationId, keyId, 'api_key.revoked', source, { label, reason: 'disabled_in_source' }),
    );
    await audit.appendAll(trx, organizationId, events);
  }
}

/** A row whose owner has left meanwhile. */
function ownerless(row: Judged): Judged {
  return { ...row, key: undefined, category: 'unknown_user', reason: 'its owner is a member no longer' };
}

/** A row whose key was inserted meanwhile, by id or by hash. */
function raced(row: Judged): Judged {
  return { ...row, key: undefined, category: 'collision', reason: 'a key with its id or hash was created meanwhile' };
}

export function sourceOf(importName: string) {
  return backgroundSource('system', `import ${importName}`);
}

/** Returns one event for each organization, with how many of its keys there are. */
export function countsByOrganization(
  importName: string,
  action: 'key_import.applied' | 'key_import.undone',
  keys: readonly { organizationId: string }[],
): AuditEvent[] {
  return [...Map.groupBy(keys, ({ organizationId }) => organizationId)].map(([organizationId, own]) => ({
    ...sourceOf(importName),
    organizationId,
    action,
    target: { kind: 'organization', id: organizationId },
    details: { import: importName, keys: own.length },
  }));
}
