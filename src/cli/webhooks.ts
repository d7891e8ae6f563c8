import { parseArgs } from 'node:util';
import { DatabaseUrl } from '../config/database-url.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { replayNotice, undelivered } from '../webhooks/undelivered.ts';
import type { Undelivered } from '../webhooks/undelivered.ts';

const USAGE = 'npm run notices -- list [--dead] [--organization ID] | replay ID';

/**
 * `npm run notices -- list [--dead] [--organization ID]`: what is not delivered, or was given up, oldest first.
 * `npm run notices -- replay ID`: has one that has ended sent again. Exit code 1: it could not be done.
 */
async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { dead: { type: 'boolean', default: false }, organization: { type: 'string' } },
    allowPositionals: true,
    strict: true,
  });
  const [verb, id, ...rest] = positionals;
  const isList = verb === 'list' && id === undefined;
  if (!isList && (verb !== 'replay' || id === undefined || rest.length > 0)) throw new StartError(USAGE);
  const url = DatabaseUrl.safeParse(process.env['DATABASE_URL']);
  if (!url.success) throw new StartError('DATABASE_URL needs a postgres:// address.');
  await assertReachable(url.data);
  const db = connectDatabase({ url: url.data, poolMax: 1 });
  try {
    await assertMigrated(db);
    if (isList) {
      const { dead, organization: organizationId } = values;
      for await (const notice of undelivered(db, { dead, organizationId })) say(describe(notice));
    } else if (id !== undefined && (await replayNotice(db, id, new Date()))) say(`${id} will be sent again.`);
    else throw new StartError(`There is no notice ${id} that was delivered or given up.`);
  } finally {
    await db.destroy();
  }
}

function describe(notice: Undelivered): string {
  const { id, status, endpoint, organization_id: organizationId, type, created_at: at, attempts } = notice;
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  return [id, status, endpoint, organizationId, type, at.toISOString(), tries, notice.last_failure ?? '']
    .join('  ')
    .trimEnd();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

// Who reads a list may have seen enough of it, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await run();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
