import { z } from 'zod';
import { Limit, noteOldName, readArguments, runCommand, toStderr, toStdout } from './command.ts';
import { usageOf } from './commands.ts';
import { readConfig } from '../app/read-config.ts';
import { makeWebhookInbox } from '../app/command-parts.ts';
import type { IncomingWebhooks } from '../app/incoming-webhooks.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { StartError } from '../errors.ts';
import { SOURCES } from '../billing/webhooks/providers.ts';
import { WEBHOOK_OUTCOMES } from '../billing/webhooks/webhook.ts';
import { webhookLine } from '../billing/webhooks/webhook-line.ts';
import { packageFile } from '../config/package-file.ts';
import { readProduct } from '../product/read-product.ts';
import { makeLogger } from '../telemetry/logger.ts';

const DONE = 0;
const FAILED = 1;
const NOT_FOUND = 2;
const NAME = 'webhooks:incoming';
const VALUES = `OUTCOME is ${WEBHOOK_OUTCOMES.join(', ')}. SOURCE is ${SOURCES.join(', ')}.`;

const List = z.object({
  outcome: z.enum(WEBHOOK_OUTCOMES).optional(),
  source: z.enum(SOURCES).optional(),
  limit: Limit,
});
const WebhookId = z.string().regex(/^hook_[0-9A-Z]{26}$/);

type Inbox = Pick<IncomingWebhooks, 'listWebhooks' | 'replayWebhook'>;

/** `npm run webhooks:incoming`. To apply a webhook a second time changes nothing. */
async function run(): Promise<number> {
  noteOldName(process.env['npm_lifecycle_event'], NAME);
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
function readCommand(): (inbox: Inbox) => Promise<number> {
  const { values, positionals } = readArguments(NAME);
  const [verb, id, ...more] = positionals;
  if (verb === 'list' && id === undefined) {
    const filter = List.safeParse(values);
    if (filter.success) return (inbox) => list(inbox, filter.data);
  }
  const webhookId = WebhookId.safeParse(id);
  if (verb === 'replay' && webhookId.success && more.length === 0) return (inbox) => replay(inbox, webhookId.data);
  throw new StartError(`${usageOf(NAME)}
${VALUES}`);
}

async function list(inbox: Inbox, { outcome, source, limit }: z.output<typeof List>): Promise<number> {
  const webhooks = await inbox.listWebhooks({ outcome, source, limit });
  for (const webhook of webhooks) toStdout(`${webhookLine(webhook)}\n`);
  const noun = webhooks.length === 1 ? 'webhook' : 'webhooks';
  toStdout(`${webhooks.length} ${noun}${webhooks.length === limit ? ', and maybe more' : ''}.\n`);
  return DONE;
}

async function replay(inbox: Inbox, id: string): Promise<number> {
  const result = await inbox.replayWebhook(id);
  if (result) {
    toStdout(`${[id, result.outcome, result.organizationId, result.detail].filter(Boolean).join('  ')}\n`);
    return result.outcome === 'refused' ? FAILED : DONE;
  }
  toStderr(`There is no webhook ${id}.\n`);
  return NOT_FOUND;
}

await runCommand(run, { failed: 'The billing webhooks cannot be read', exitCode: FAILED });
