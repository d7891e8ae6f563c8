import { z } from 'zod';
import { connectDatabase } from './db/connect.ts';
import { migrate } from './db/migrations.ts';
import { StartError } from './errors.ts';

const Url = z.url({ protocol: /^postgres(ql)?$/ });

/** `npm run migrate`: brings the database of DATABASE_URL up to date. */
async function run(): Promise<string> {
  const url = Url.safeParse(process.env['DATABASE_URL']);
  if (!url.success) throw new StartError('DATABASE_URL needs a postgres:// address.');
  const db = connectDatabase({ url: url.data, poolMax: 1 });
  try {
    const names = await migrate(db);
    return names.length === 0 ? 'The database is up to date.' : names.map((name) => `ran ${name}`).join('\n');
  } finally {
    await db.destroy();
  }
}

try {
  process.stdout.write(`${await run()}\n`);
} catch (error) {
  const reason = error instanceof AggregateError ? error.errors.map(String).join('; ') : (error as Error).message;
  process.stderr.write(`The migration failed: ${reason}\n`);
  process.exitCode = 1;
}
