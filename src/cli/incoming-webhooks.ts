import { z } from 'zod';
import { Limit, readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { readConfig } from '../config/config.ts';
import { makeWebhookInbox } from '../app/command-parts.ts';
import type { HooksParts } from '../app/incoming-webhooks.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { HOOK_OUTCOMES, HOOK_SOURCES } from '../billing/webhooks/webhook.ts';
import { hookLine } from '../billing/webhooks/webhook-line.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { makeLogger } from '../telemetry/logger.ts';

const DONE = 0;
const FAILED = 1;
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
  limit: Limit,
});
const HookId = z.string().regex(/^hook_[0-9A-Z]{26}$/);

type HookInbox = Pick<HooksParts, 'listHooks' | 'replayHook'>;

/**
 * `npm run hooks -- list|replay`: the hooks that came in, newest first, or one of them applied again by the same rules,
 * which changes nothing the second time. Exit code 0: done; 2: there is no such hook; 1: something else is wrong.
 */
async function run(): Promise<number> {
  const command = readCommand();
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  const log = makeLogger({ level: config.logLevel, pretty: false, destination: { write: toStderr } });
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: 2, log });
  try {
    await assertMigrated(db);
    return await command(makeWebhookInbox({ config, product, db, log }));
  } finally {
    await db.destroy();
  }
}

/** @throws StartError that says how the command is used */
function readCommand(): (inbox: HookInbox) => Promise<number> {
  const { values, positionals } = readArguments(OPTIONS, USAGE);
  const [verb, id, ...more] = positionals;
  if (verb === 'list' && id === undefined) {
    const filter = List.safeParse(values);
    if (filter.success) return (inbox) => list(inbox, filter.data);
  }
  const hookId = HookId.safeParse(id);
  if (verb === 'replay' && hookId.success && more.length === 0) return (inbox) => replay(inbox, hookId.data);
  throw new StartError(USAGE);
}

async function list(inbox: HookInbox, { outcome, source, limit }: z.output<typeof List>): Promise<number> {
  const hooks = await inbox.listHooks({ outcome, source, limit });
  for (const hook of hooks) toStdout(`${hookLine(hook)}\n`);
  toStdout(
    `${hooks.length} ${hooks.length === 1 ? 'hook' : 'hooks'}${hooks.length === limit ? ', and maybe more' : ''}.\n`,
  );
  return DONE;
}

async function replay(inbox: HookInbox, id: string): Promise<number> {
  const judged = await inbox.replayHook(id);
  if (judged) {
    toStdout(`${[id, judged.outcome, judged.organizationId, judged.detail].filter(Boolean).join('  ')}\n`);
    return judged.outcome === 'refused' ? FAILED : DONE;
  }
  toStderr(`There is no hook ${id}.\n`);
  return NOT_FOUND;
}

await runCommand(run, { failed: 'The hooks cannot be read', exitCode: FAILED });
