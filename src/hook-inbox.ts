import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readConfig } from './config.ts';
import { makeHookInbox } from './container.ts';
import type { HooksParts } from './container/hooks-parts.ts';
import { assertReachable, connectDatabase } from './db/connect.ts';
import { assertMigrated } from './db/migrations.ts';
import { StartError } from './errors.ts';
import { HOOK_OUTCOMES, HOOK_SOURCES } from './hooks/hook.ts';
import { hookLine } from './hooks/hook-line.ts';
import { packageFile } from './package-file.ts';
import { readProduct } from './permissions/read-product.ts';
import { makeLogger } from './telemetry/logger.ts';

const NOT_FOUND = 2;
const USAGE = `Usage: npm run hooks -- list [--outcome ${HOOK_OUTCOMES.join('|')}] [--source ${HOOK_SOURCES.join('|')}] [--limit N]
       npm run hooks -- replay ID`;
const OPTIONS = {
  outcome: { type: 'string' },
  source: { type: 'string' },
  limit: { type: 'string', default: '50' },
} as const;

const List = z.object({
  outcome: z.enum(HOOK_OUTCOMES).optional(),
  source: z.enum(HOOK_SOURCES).optional(),
  limit: z.coerce.number().int().min(1).max(10_000),
});
const HookId = z.string().regex(/^hook_[0-9A-Z]{26}$/);

const toStdout = (text: string) => void process.stdout.write(text);
const toStderr = (text: string) => void process.stderr.write(text);

type HookInbox = Pick<HooksParts, 'listHooks' | 'replayHook'>;

/**
 * `npm run hooks -- list|replay`: the hooks that came in, newest first, or one of them applied again by the same rules,
 * which changes nothing the second time. Exit code 0: done; 2: there is no such hook; 1: something else is wrong.
 */
async function run(): Promise<void> {
  const command = readCommand();
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  const log = makeLogger({ level: config.logLevel, pretty: false, destination: { write: toStderr } });
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: 2, log });
  try {
    await assertMigrated(db);
    await command(makeHookInbox({ config, product, db, log }));
  } finally {
    await db.destroy();
  }
}

/** @throws StartError that says how the command is used */
function readCommand(): (inbox: HookInbox) => Promise<void> {
  const { values, positionals } = readArguments();
  const [verb, id, ...more] = positionals;
  if (verb === 'list' && id === undefined) {
    const filter = List.safeParse(values);
    if (filter.success) return (inbox) => list(inbox, filter.data);
  }
  const hookId = HookId.safeParse(id);
  if (verb === 'replay' && hookId.success && more.length === 0) return (inbox) => replay(inbox, hookId.data);
  throw new StartError(USAGE);
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n${USAGE}`, { cause: error });
  }
}

async function list(inbox: HookInbox, { outcome, source, limit }: z.output<typeof List>): Promise<void> {
  const hooks = await inbox.listHooks({ outcome, source, limit });
  for (const hook of hooks) toStdout(`${hookLine(hook)}\n`);
  toStdout(
    `${hooks.length} ${hooks.length === 1 ? 'hook' : 'hooks'}${hooks.length === limit ? ', and maybe more' : ''}.\n`,
  );
}

async function replay(inbox: HookInbox, id: string): Promise<void> {
  const judged = await inbox.replayHook(id);
  if (judged) {
    toStdout(`${[id, judged.outcome, judged.organizationId, judged.detail].filter(Boolean).join('  ')}\n`);
    if (judged.outcome === 'refused') process.exitCode = 1;
    return;
  }
  toStderr(`There is no hook ${id}.\n`);
  process.exitCode = NOT_FOUND;
}

// Who reads a list may have seen enough of it, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await run();
} catch (error) {
  toStderr(
    error instanceof StartError ? `${error.message}\n` : `The hooks cannot be read: ${(error as Error).message}\n`,
  );
  process.exitCode = 1;
}
