import { readConfig } from '../app/read-config.ts';
import { readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { makeReconciliation } from '../app/command-parts.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { totalOf } from '../workos-sync/reconcile/reconcile.ts';
import type { Failure } from '../workos-sync/reconcile/reconcile.ts';
import { makeJson, makeProgressLine, makeTable } from '../workos-sync/reconcile/report.ts';
import { makeLogger } from '../telemetry/logger.ts';

const FAILED = 1;
const DRIFT_FOUND = 2;
const OPTIONS = {
  organization: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const USAGE = 'Usage: npm run reconcile -- [--organization ID] [--dry-run] [--json]';

/**
 * `npm run reconcile`: compares the mirror with each configured environment of WorkOS and repairs the differences. Writes
 * them to standard output, and progress to standard error. Exit code 0: no difference; 2: some, repaired or not; 1:
 * something could not be read.
 */
async function run(): Promise<number> {
  const { values } = readArguments(OPTIONS, USAGE, false);
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  // Standard output is for the report alone.
  const log = makeLogger({ level: config.logLevel, pretty: false, destination: { write: toStderr } });
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: config.databasePoolMax, log });
  try {
    await assertMigrated(db);
    const reconcile = makeReconciliation({ config, product, db, log });
    const report = values.json ? makeJson(toStdout) : makeTable(toStdout);
    const outcome = await reconcile({
      organizationId: values.organization,
      dryRun: values['dry-run'],
      onFinding: report.finding,
      onFailure: (failure) => toStderr(describe(failure)),
      onProgress: makeProgressLine(toStderr),
    });
    report.end(outcome);
    const { found, failures } = totalOf(outcome.compared);
    const drifted = Object.values(found).some((count) => count > 0);
    if (failures > 0) return FAILED;
    return drifted ? DRIFT_FOUND : 0;
  } finally {
    await db.destroy();
  }
}

function describe({ environment, organizationId = 'the list of organizations', error }: Failure): string {
  return `reconcile: ${environment}: ${organizationId} could not be read: ${(error as Error).message}\n`;
}

await runCommand(run, { failed: 'The reconciliation failed', exitCode: FAILED });
