import type { KeyCounts } from '../api-keys/rows/key-counts.ts';
import type { Clock } from '../clock.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { ImportRule } from '../product/imports/import-rules.ts';
import type { TenantStore } from '../tenants/tenant-store.ts';
import { BATCH } from './apply-import.ts';
import { inBatches } from './batches.ts';
import type { Judged } from './category.ts';
import type { JudgeBatch } from './judge/judge-batch.ts';
import type { JudgeRow } from './judge/judge-row.ts';
import type { SourceRow } from './sources/source-row.ts';

type Deps = {
  makeBatch: (importName: string) => JudgeBatch;
  keyCounts: Pick<KeyCounts, 'towardsQuota'>;
  tenants: Pick<TenantStore, 'findAll'>;
  planFor: Catalogue['planFor'];
  clock: Clock;
};

type Planning = {
  rule: Pick<ImportRule, 'name'>;
  rows: AsyncIterable<SourceRow>;
  judgeRow: JudgeRow;
  onBatch: (rows: readonly Judged[]) => void;
  signal: AbortSignal;
};

/** Organizations that would have more keys than their plan allows; their keys are imported, and creation waits. */
export type OverQuota = { organizationId: string; keys: number; limit: number };

const ORGANIZATIONS = 500;

/**
 * Judges every row as an import would, and writes nothing.
 * @returns the organizations over their quota; undefined when it was aborted
 */
export function makePlanImport({ makeBatch, keyCounts, tenants, planFor, clock }: Deps) {
  async function overQuota(added: ReadonlyMap<string, number>): Promise<OverQuota[]> {
    const [ids, found] = [[...added.keys()], [] as OverQuota[]];
    for (let from = 0; from < ids.length; from += ORGANIZATIONS) {
      const some = ids.slice(from, from + ORGANIZATIONS);
      const counts = await keyCounts.towardsQuota(some, clock());
      const plans = new Map((await tenants.findAll(some)).map((tenant) => [tenant.organizationId, planFor(tenant)]));
      for (const organizationId of some) {
        const keys = (counts.get(organizationId) ?? 0) + added.get(organizationId)!;
        const { keyLimit: limit } = plans.get(organizationId) ?? planFor(undefined);
        if (keys > limit) found.push({ organizationId, keys, limit });
      }
    }
    return found;
  }

  return async function planImport({
    rule,
    rows,
    judgeRow,
    onBatch,
    signal,
  }: Planning): Promise<OverQuota[] | undefined> {
    const batch = makeBatch(rule.name);
    const added = new Map<string, number>();
    for await (const group of inBatches(rows, BATCH)) {
      if (signal.aborted) return undefined;
      const judged = await batch.withKnown(batch.withEarlier(group.map(judgeRow)));
      for (const { key } of judged)
        if (key && key.ownerUserId === undefined)
          added.set(key.organizationId, (added.get(key.organizationId) ?? 0) + 1);
      onBatch(judged);
    }
    return overQuota(added);
  };
}
