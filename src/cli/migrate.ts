import { refuseUnkeyedLinks } from '../audit/seals/closing.ts';
import { DatabaseUrl } from '../config/database-url.ts';
import { grantApplicationRole } from '../db/application-role.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { isFirst, migrate } from '../db/migrations.ts';
import { StartError } from '../errors.ts';

/** `npm run migrate`: brings the database of DATABASE_URL up to date. */
async function run(): Promise<string> {
  const url = DatabaseUrl.safeParse(process.env['DATABASE_URL']);
  if (!url.success) throw new StartError('DATABASE_URL needs a postgres:// address.');
  await assertReachable(url.data);
  const db = connectDatabase({ url: url.data, poolMax: 1, statementTimeoutMs: null });
  try {
    const names = await migrate(db);
    // No other release ever wrote to it.
    if (isFirst(names)) await db.transaction(refuseUnkeyedLinks);
    const warning = await grantApplicationRole(db);
    if (warning !== undefined) process.stderr.write(`${warning}\n`);
    return names.length === 0 ? 'The database is up to date.' : names.map((name) => `ran ${name}`).join('\n');
  } finally {
    await db.destroy();
  }
}

try {
  process.stdout.write(`${await run()}\n`);
} catch (error) {
  process.stderr.write(`The migration failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
