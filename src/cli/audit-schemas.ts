import { readConfig } from '../app/read-config.ts';
import { makeRegisterAuditSchemas } from '../webhooks/audit-logs/audit-schemas.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { makeSdkGateway } from '../workos/sdk-gateway.ts';
import { readArguments, runCommand, toStdout } from './command.ts';

/** `npm run audit:schemas`. It needs no database. */
async function run(): Promise<number> {
  readArguments('audit:schemas', false);
  const { workos } = readConfig(process.env);
  const gateway = makeSdkGateway({ ...workos, waitsOutHoldOffs: true, workosCalls: makeMetrics().workosCalls });
  let problems = 0;
  for await (const { action, outcome, version } of makeRegisterAuditSchemas(gateway)()) {
    const isSent = version === workos.auditSchemaVersion;
    if (!isSent || outcome === 'other_targets') problems += 1;
    const hint = isSent ? '' : `  events are sent with version ${workos.auditSchemaVersion}`;
    toStdout(`${action}  ${outcome}  version ${version}${hint}\n`);
  }
  if (problems > 0)
    toStdout(`${problems} to look at: see WorkOS Audit Logs in docs/how-to/forward-to-workos-audit-logs.md.\n`);
  return problems === 0 ? 0 : 1;
}

await runCommand(run, { failed: 'WorkOS could not be reached', exitCode: 2 });
