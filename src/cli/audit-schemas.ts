import { parseArgs } from 'node:util';
import { readConfig } from '../app/read-config.ts';
import { StartError } from '../errors.ts';
import { makeRegisterAuditSchemas } from '../webhooks/audit-logs/audit-schemas.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { makeSdkGateway } from '../workos/sdk-gateway.ts';

const USAGE = 'Usage: npm run audit:schemas     registers the schemas of audit events in WorkOS Audit Logs';

/**
 * `npm run audit:schemas`: registers a schema for each audit action that has none in WorkOS Audit Logs. It needs no database.
 * Exit code 0: WorkOS accepts events of every action; 1: some need attention; 2: WorkOS could not be reached.
 */
async function run(): Promise<number> {
  readArguments();
  const { workos } = readConfig(process.env);
  const gateway = makeSdkGateway({ ...workos, waitsOutHoldOffs: true, workosCalls: makeMetrics().workosCalls });
  let problems = 0;
  for await (const { action, outcome, version } of makeRegisterAuditSchemas(gateway)()) {
    const isSent = version === workos.auditSchemaVersion;
    if (!isSent || outcome === 'other_targets') problems += 1;
    const hint = isSent ? '' : `  events are sent with version ${workos.auditSchemaVersion}`;
    process.stdout.write(`${action}  ${outcome}  version ${version}${hint}\n`);
  }
  if (problems > 0)
    process.stdout.write(
      `${problems} to look at: see WorkOS Audit Logs in docs/how-to/forward-to-workos-audit-logs.md.\n`,
    );
  return problems === 0 ? 0 : 1;
}

/** @throws StartError that says how the command is used */
function readArguments(): void {
  try {
    parseArgs({ options: {}, strict: true });
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n${USAGE}`, { cause: error });
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(
    error instanceof StartError ? `${error.message}\n` : `WorkOS could not be reached: ${(error as Error).message}\n`,
  );
  process.exitCode = 2;
}
