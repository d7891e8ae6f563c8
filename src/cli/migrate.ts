import { refuseUnkeyedLinks } from '../audit/seals/closing.ts';
import { DatabaseUrl } from '../config/database-url.ts';
import { grantApplicationRole } from '../db/application-role.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { isFirst, migrateBesideOthers, takeMigrationLock } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { readArguments, runCommand, toStderr, toStdout } from './command.ts';

async function run(): Promise<number> {
  readArguments('migrate', false);
  const url = DatabaseUrl.safeParse(process.env['DATABASE_URL']);
  if (!url.success) throw new StartError('DATABASE_URL needs a postgres:// address.');
  await assertReachable(url.data);
  const db = connectDatabase({ url: url.data, poolMax: 1, statementTimeoutMs: null });
  try {
    await takeMigrationLock(db, () => toStderr('Another process migrates this database; waiting until it is done.\n'));
    const names = await migrateBesideOthers(db);
    // No older release has written links without a key.
    if (isFirst(names)) await db.transaction(refuseUnkeyedLinks);
    const warning = await grantApplicationRole(db);
    if (warning !== undefined) toStderr(`${warning}\n`);
    toStdout(`${names.length === 0 ? 'The database is up to date.' : names.map((name) => `ran ${name}`).join('\n')}\n`);
    return 0;
  } finally {
    await db.destroy();
  }
}

await runCommand(run, { failed: 'The migration failed', exitCode: 1 });
