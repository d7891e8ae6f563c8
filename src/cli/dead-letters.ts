import { z } from 'zod';
import type { DeadLetter, DeadLetters, Loop } from '../background/loop.ts';
import { Limit, readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { usageOf } from './commands.ts';
import { readConfig } from '../app/read-config.ts';
import { makeIdleLoops } from '../app/command-parts.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { makeLogger } from '../telemetry/logger.ts';

const DONE = 0;
const NOT_FOUND = 2;

const Name = z.string().min(1).max(512).optional();

type LoopsByName = ReadonlyMap<string, DeadLetters>;
type Command = (loops: LoopsByName) => Promise<number>;

async function run(): Promise<number> {
  const command = readCommand();
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  const log = makeLogger({ level: config.logLevel, pretty: false, destination: { write: toStderr } });
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: 2, log });
  try {
    await assertMigrated(db);
    return await command(byName(makeIdleLoops({ config, product, db, log })));
  } finally {
    await db.destroy();
  }
}

function byName(loops: readonly Loop[]): LoopsByName {
  return new Map(loops.flatMap((loop) => ('items' in loop ? [[loop.name, loop.items] as const] : [])));
}

/** @throws StartError with the usage */
function readCommand(): Command {
  const { values, positionals } = readArguments('dead-letters');
  const [verb, item, ...more] = positionals;
  const limit = Limit.safeParse(values.limit);
  const [loop, organizationId] = [Name.safeParse(values.loop), Name.safeParse(values.organization)];
  if (limit.success && loop.success && organizationId.success && more.length === 0) {
    const filter = { organizationId: organizationId.data, limit: limit.data };
    if (verb === 'list' && item === undefined) return (loops) => list(loops, loop.data, filter);
    const { data: name } = loop;
    if (verb === 'retry' && item !== undefined && name !== undefined) return (loops) => retry(loops, name, item);
  }
  throw new StartError(usageOf('dead-letters'));
}

async function list(
  loops: LoopsByName,
  loop: string | undefined,
  filter: Parameters<DeadLetters['list']>[0],
): Promise<number> {
  const selected = loop === undefined ? [...loops.values()] : [deadLettersOf(loops, loop)];
  let shown = 0;
  for (const deadLetters of selected) {
    const listed = await deadLetters.list({ ...filter, limit: filter.limit - shown });
    for (const deadLetter of listed) toStdout(`${lineOf(deadLetter)}\n`);
    shown += listed.length;
    if (shown >= filter.limit) break;
  }
  const more = shown >= filter.limit ? ', and maybe more' : '';
  toStdout(`${shown} ${shown === 1 ? 'dead letter' : 'dead letters'}${more}.\n`);
  return DONE;
}

async function retry(loops: LoopsByName, loop: string, item: string): Promise<number> {
  if (await deadLettersOf(loops, loop).retry(item)) {
    toStdout(`${loop}  ${item}  is due now.\n`);
    return DONE;
  }
  toStderr(`The loop ${loop} has no dead letter ${item}.\n`);
  return NOT_FOUND;
}

/** @throws StartError with the names of the loops that have dead letters */
function deadLettersOf(loops: LoopsByName, loop: string): DeadLetters {
  const found = loops.get(loop);
  if (!found)
    throw new StartError(`There is no loop ${loop}. Loops with dead letters: ${[...loops.keys()].join(', ')}.`);
  return found;
}

function lineOf({ loop, item, organizationId, attempts, deadAt, lastFailure }: DeadLetter): string {
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  return [loop, item, organizationId ?? '-', tries, deadAt.toISOString(), lastFailure].join('  ').trimEnd();
}

await runCommand(run, { failed: 'Failed to read the dead letters', exitCode: 1 });
