import { Limit, readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { usageOf } from './commands.ts';
import { readConfig } from '../app/read-config.ts';
import { makeUnreadableEventsParts } from '../app/command-parts.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import type { StoredEvent } from '../workos-sync/unreadable-events-repository.ts';
import { makeLogger } from '../telemetry/logger.ts';

// Events may contain control characters, which could move a terminal's cursor.
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

type Parts = ReturnType<typeof makeUnreadableEventsParts>;

async function run(): Promise<number> {
  const command = readCommand();
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  const log = makeLogger({ level: config.logLevel, pretty: false, destination: { write: toStderr } });
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: 2, log });
  try {
    await assertMigrated(db);
    return await command(makeUnreadableEventsParts({ config, product, db, log }));
  } finally {
    await db.destroy();
  }
}

/** @throws StartError with the usage */
function readCommand(): (parts: Parts) => Promise<number> {
  const { values, positionals } = readArguments('workos:events');
  const limit = Limit.safeParse(values.limit);
  const [verb, ...more] = positionals;
  if (more.length === 0 && limit.success) {
    if (verb === 'list') return (parts) => list(parts, limit.data, values.json);
    if (verb === 'retry') return retry;
  }
  throw new StartError(usageOf('workos:events'));
}

async function list({ unreadable }: Parts, limit: number, json: boolean): Promise<number> {
  const events = await unreadable.list(limit);
  for (const event of events) toStdout(`${json ? JSON.stringify(event) : lineOf(event)}\n`);
  const count = await unreadable.count();
  if (!json) toStdout(`${count} ${count === 1 ? 'event' : 'events'} of WorkOS cannot be read.\n`);
  return count === 0 ? 0 : 1;
}

async function retry({ retryUnreadable }: Parts): Promise<number> {
  const { read, left } = await retryUnreadable(0);
  toStdout(`${read} applied, ${left} still cannot be read.\n`);
  return left === 0 ? 0 : 1;
}

function lineOf({ environment, id, type, receivedAt, source, reason }: StoredEvent): string {
  const line = [receivedAt.toISOString(), environment, source, type, id, reason].join('  ');
  return line.replaceAll(CONTROL, '�');
}

await runCommand(run, { failed: 'Failed to read the stored events', exitCode: 2 });
