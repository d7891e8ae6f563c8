import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.ts';
import { makeReconciliation } from '../app/command-parts.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { totalOf } from '../workos-sync/reconcile/reconcile.ts';
import type { Failure } from '../workos-sync/reconcile/reconcile.ts';
import { makeJson, makeProgressLine, makeTable } from '../workos-sync/reconcile/report.ts';
import { makeLogger } from '../telemetry/logger.ts';

const DRIFT_FOUND = 2;
const OPTIONS = {
  organization: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const toStdout = (text: string) => void process.stdout.write(text);
const toStderr = (text: string) => void process.stderr.write(text);

/**
 * `npm run reconcile [-- --organization ID] [-- --dry-run] [-- --json]`: compares the mirror with WorkOS, each of its
 * environments that is configured, and mends what may be mended. Standard output has the differences, standard error how far it is. Exit code 0: none; 2: some, mended
 * or not; 1: something could not be read.
 */
async function run(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS, strict: true });
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  // Lines of the log go beside the progress: standard output is the report's.
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
    process.exitCode = failures > 0 ? 1 : drifted ? DRIFT_FOUND : 0;
  } finally {
    await db.destroy();
  }
}

function describe({ environment, organizationId = 'the list of organizations', error }: Failure): string {
  return `reconcile: ${environment}: ${organizationId} could not be read: ${(error as Error).message}\n`;
}

try {
  await run();
} catch (error) {
  toStderr(`The reconciliation failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
