import type { Knex } from 'knex';
import { noteOldName, readArguments, runCommand, toStdout } from './command.ts';
import { usageOf } from './commands.ts';
import { DatabaseUrl } from '../config/database-url.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { replayDelivery, undelivered } from '../webhooks/undelivered.ts';
import type { Undelivered } from '../webhooks/undelivered.ts';

const NAME = 'webhooks';

async function run(): Promise<number> {
  noteOldName(process.env['npm_lifecycle_event'], NAME);
  const command = readCommand();
  const url = DatabaseUrl.safeParse(process.env['DATABASE_URL']);
  if (!url.success) throw new StartError('DATABASE_URL needs a postgres:// address.');
  await assertReachable(url.data);
  const db = connectDatabase({ url: url.data, poolMax: 1 });
  try {
    await assertMigrated(db);
    await command(db);
    return 0;
  } finally {
    await db.destroy();
  }
}

type Command = (db: Knex) => Promise<void>;

/** @throws StartError with the usage */
function readCommand(): Command {
  const { values, positionals } = readArguments(NAME);
  const [verb, id, ...more] = positionals;
  if (verb === 'list' && id === undefined) return (db) => list(db, values);
  if (verb === 'replay' && id !== undefined && more.length === 0) return (db) => replay(db, id);
  throw new StartError(usageOf(NAME));
}

type Filter = { dead: boolean; organization?: string | undefined };

async function list(db: Knex, { dead, organization: organizationId }: Filter): Promise<void> {
  for await (const delivery of undelivered(db, { dead, organizationId })) toStdout(`${describe(delivery)}\n`);
}

/** @throws StartError when there is no such delivery */
async function replay(db: Knex, id: string): Promise<void> {
  if (!(await replayDelivery(db, id, new Date()))) throw new StartError(`There is no delivery ${id} that has ended.`);
  toStdout(`${id} will be sent again.\n`);
}

function describe(delivery: Undelivered): string {
  const { id, status, endpoint, organization_id: organizationId, type, created_at: at, attempts } = delivery;
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  return [id, status, endpoint, organizationId, type, at.toISOString(), tries, delivery.last_failure ?? '']
    .join('  ')
    .trimEnd();
}

await runCommand(run, { failed: 'Failed to read the outgoing webhooks', exitCode: 1 });
