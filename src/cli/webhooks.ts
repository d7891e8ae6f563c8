import { parseArgs } from 'node:util';
import { noteOldName, toStderr, toStdout } from './command.ts';
import { DatabaseUrl } from '../config/database-url.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { replayDelivery, undelivered } from '../webhooks/undelivered.ts';
import type { Undelivered } from '../webhooks/undelivered.ts';

const NAME = 'webhooks';
const USAGE = `npm run ${NAME} -- list [--dead] [--organization ID] | replay ID`;

/**
 * `npm run webhooks -- list [--dead] [--organization ID]`: lists the deliveries that wait or were given up, oldest first.
 * `npm run webhooks -- replay ID`: sends a delivery that has ended again. Exit code 1: it could not be done.
 */
async function run(): Promise<void> {
  noteOldName(process.env['npm_lifecycle_event'], { old: 'notices', name: NAME });
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
      for await (const delivery of undelivered(db, { dead, organizationId })) toStdout(`${describe(delivery)}\n`);
    } else if (id !== undefined && (await replayDelivery(db, id, new Date()))) toStdout(`${id} will be sent again.\n`);
    else throw new StartError(`There is no delivery ${id} that has ended.`);
  } finally {
    await db.destroy();
  }
}

function describe(delivery: Undelivered): string {
  const { id, status, endpoint, organization_id: organizationId, type, created_at: at, attempts } = delivery;
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  return [id, status, endpoint, organizationId, type, at.toISOString(), tries, delivery.last_failure ?? '']
    .join('  ')
    .trimEnd();
}

// A reader such as `head` may close the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await run();
} catch (error) {
  toStderr(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
