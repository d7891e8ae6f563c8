import { hmacKeyIdOfImport } from '../../api-keys/format/imported-form.ts';
import { makeDescribeWorkosKey } from '../../api-keys/mirror/describe-workos-key.ts';
import { makeKeyCounts } from '../../api-keys/rows/key-counts.ts';
import {
  countImported,
  deleteUnusedImported,
  insertImportedKeys,
  readCandidates,
  readImported,
  revokeImportedKeys,
} from '../../api-keys/rows/imported-keys.ts';
import { makeApplyImport } from '../../imports/apply-import.ts';
import { makeImportRuns } from '../../imports/import-runs.ts';
import { makeJudgeBatch } from '../../imports/judge/judge-batch.ts';
import { makeFindMembers } from '../../members/find-members.ts';
import type { ReadKnown } from '../../imports/judge/judge-batch.ts';
import { makeUnmetOf } from '../../imports/judge/unmet-requirements.ts';
import { makeJudgeRow } from '../../imports/judge/judge-row.ts';
import { parseMapping } from '../../imports/mapping.ts';
import type { Mapping } from '../../imports/mapping.ts';
import { makePlanImport } from '../../imports/plan-import.ts';
import { makeUndoImport } from '../../imports/undo-import.ts';
import type { ImportRule } from '../../product/imports/import-rules.ts';
import { makeTenantRepository } from '../../tenants/tenant-repository.ts';
import { makePlatform } from '../platform.ts';
import type { Parts } from '../platform.ts';

export type ImportParts = ReturnType<typeof makeImportParts>;

/** Parts of `npm run import`. */
export function makeImportParts(parts: Parts) {
  const { config } = parts;
  // A command limits no requests.
  const limits = { ...config.limits, redisUrl: undefined };
  const platform = makePlatform({ ...parts, config: { ...config, limits, role: 'worker' }, waitsOutHoldOffs: true });
  const { db, catalogue, clock, workos, rateLimiter } = platform;
  const tenants = makeTenantRepository(db);
  const runs = makeImportRuns(db);
  const { permissionSetOf, label } = makeDescribeWorkosKey(catalogue);
  const rules = { ...catalogue, permissionSetOf, label };

  const findMembers = makeFindMembers({ ...platform, turn: rateLimiter.turn });

  const readKnownOf =
    (importName: string): ReadKnown =>
    async ({ organizationIds, keyIds, hashes, members, locators }) => {
      const found = await tenants.findAll(organizationIds);
      const here = found.filter(({ deletedAt }) => deletedAt === undefined).map(({ organizationId }) => organizationId);
      const organizations = new Set(here);
      const asked = members.filter(({ organizationId }) => organizations.has(organizationId));
      const candidates = await readCandidates(db, hmacKeyIdOfImport(importName), locators);
      const located = new Map([...candidates].map(([locator, keys]) => [locator, keys.map(({ keyId }) => keyId)]));
      return { organizations, members: await findMembers(asked), located, ...(await readImported(db, keyIds, hashes)) };
    };
  const metadataOf = async (organizationId: string) => {
    await rateLimiter.turn();
    return workos.organizationMetadata(organizationId);
  };
  const makeBatch = (importName: string) =>
    makeJudgeBatch(readKnownOf(importName), makeUnmetOf({ ...catalogue, metadataOf }));
  const { ownsKey } = platform.mirrorMembers;
  const shared = { ...platform, runs, ownsKey, makeBatch };

  return {
    parseMapping: (text: string, shown: string) => parseMapping(text, shown, catalogue),
    judgeRowOf: (rule: ImportRule, mapping: Mapping) => makeJudgeRow({ rule, mapping, rules, now: clock() }),
    plan: makePlanImport({ ...shared, keyCounts: makeKeyCounts(db), tenants, planFor: catalogue.planFor }),
    apply: makeApplyImport({ ...shared, insertKeys: insertImportedKeys, revokeKeys: revokeImportedKeys }),
    undo: makeUndoImport({ ...shared, deleteUnused: deleteUnusedImported }),
    runs,
    countOf: (name: string) => countImported(db, name),
  };
}
