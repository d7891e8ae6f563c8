import { readAuditConfig } from '../audit/audit-config.ts';
import { sealKeysOf } from '../audit/audit-keys.ts';
import { closeUpgrade } from '../audit/seals/closing.ts';
import { makeSealer } from '../audit/seals/seal.ts';
import { systemClock } from '../clock.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { readArguments, toStderr, toStdout } from './command.ts';

const NOT_OWNER = '42501';

/** `npm run audit:close-upgrade`, once no replica of an older release runs. Needs the owner of the database, as migrations do. */
async function run(): Promise<string> {
  readArguments('audit:close-upgrade', false);
  const config = readAuditConfig(process.env);
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: 1, statementTimeoutMs: null });
  try {
    await assertMigrated(db);
    const sealed = await closeUpgrade(db, makeSealer(sealKeysOf(config)), systemClock);
    if (sealed === undefined) return 'The upgrade is already closed.';
    return `The upgrade is closed: the events without a key, of ${sealed} organizations, are sealed as they are, and new ones are refused.`;
  } finally {
    await db.destroy();
  }
}

try {
  toStdout(`${await run()}\n`);
} catch (error) {
  const { code, message } = error as Error & { code?: unknown };
  const reason = code === NOT_OWNER ? 'DATABASE_URL needs the owner of the database, as for npm run migrate' : message;
  toStderr(`The upgrade could not be closed: ${reason}\n`);
  process.exitCode = 1;
}
