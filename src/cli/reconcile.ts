import { readConfig } from '../app/read-config.ts';
import { readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { makeReconciliation } from '../app/command-parts.ts';
import { makeGap } from '../invalidation/gap.ts';
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

/** `npm run reconcile`: writes the differences to standard output, and progress to standard error where it is a terminal. */
async function run(): Promise<number> {
  const { values } = readArguments('reconcile', false);
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
    const gap = makeGap(db);
    const since = await gap.since();
    const outcome = await reconcile({
      organizationId: values.organization,
      dryRun: values['dry-run'],
      onFinding: report.finding,
      onFailure: (failure) => toStderr(describe(failure)),
      onProgress: process.stderr.isTTY ? makeProgressLine(toStderr) : () => undefined,
    });
    report.end(outcome);
    const { found, failures } = totalOf(outcome.compared);
    if (failures === 0 && !values['dry-run'] && values.organization === undefined) await gap.close(since);
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
