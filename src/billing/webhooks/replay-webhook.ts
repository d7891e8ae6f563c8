import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { backgroundSource } from '../../audit/audit-event.ts';
import { transaction } from '../../db/transaction.ts';
import type { ApplyWebhook } from './apply-webhook.ts';
import type { CountWebhook } from './count-webhooks.ts';
import type { Inbox } from './inbox.ts';
import type { ReceivedOutcome, WebhookOutcome, WebhookResult } from './webhook.ts';

type Deps = {
  db: Knex;
  inbox: Pick<Inbox, 'retry' | 'settle'>;
  applyWebhook: ApplyWebhook;
  count: CountWebhook;
  log: Pick<Logger, 'info'>;
};

export type ReplayWebhook = ReturnType<typeof makeReplayWebhook>;

type Refused = { outcome: 'refused'; organizationId?: undefined; detail: string };
const REFUSED: Refused = {
  outcome: 'refused',
  detail: 'its contents were not recorded; have its sender send it again',
};

/**
 * Applies a recorded webhook again, by the same rules: what was applied before changes nothing.
 * @returns its outcome now; undefined when there is no such webhook
 */
export function makeReplayWebhook({ db, inbox, applyWebhook, count, log }: Deps) {
  return async function replayWebhook(id: string): Promise<WebhookResult | Refused | undefined> {
    const replayed = await transaction(db, async (trx) => {
      const webhook = await inbox.retry(trx, id);
      if (!webhook) return undefined;
      const { contents, eventId, outcome, source } = webhook;
      if (contents.kind === 'refused') return REFUSED;
      const result = await applyWebhook(trx, { eventId, contents }, backgroundSource('system', `hook:${source}`));
      await inbox.settle(trx, id, { ...result, outcome: outcomeAfter(outcome, result.outcome) });
      return { webhook, result };
    });
    if (!replayed || 'outcome' in replayed) return replayed;
    const { webhook, result } = replayed;
    count(webhook, result.outcome);
    log.info(
      { hook: id, source: webhook.source, type: webhook.type, outcome: result.outcome },
      'billing webhook replayed',
    );
    return result;
  };
}

/** A webhook that was applied stays `applied`, although a replay changes nothing. */
function outcomeAfter(before: WebhookOutcome, now: ReceivedOutcome): ReceivedOutcome {
  return before === 'applied' ? before : now;
}
