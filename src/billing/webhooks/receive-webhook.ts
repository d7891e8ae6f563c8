import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { backgroundSource } from '../../audit/audit-event.ts';
import type { AuditSource } from '../../audit/audit-event.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { RequestContext } from '../../http/route.ts';
import type { ApplyWebhook } from './apply-webhook.ts';
import type { CountWebhook } from './count-webhooks.ts';
import type { Inbox } from './inbox.ts';
import type { ReceivedOutcome, Webhook } from './webhook.ts';

type Deps = {
  db: Knex;
  inbox: Pick<Inbox, 'add' | 'settle'>;
  applyWebhook: ApplyWebhook;
  count: CountWebhook;
  log: Pick<Logger, 'info' | 'warn'>;
  at: FaultPoint;
  /** How many are applied at a time; the others wait. */
  concurrency: number;
};

/** `repeated`: it was received before, and nothing was done. */
export type Answer = ReceivedOutcome | 'repeated';
export type ReceiveWebhook = (webhook: Webhook, context: Pick<RequestContext, 'requestId' | 'ip'>) => Promise<Answer>;

/** As many as are applied within the seconds that a sender waits for an answer. */
const MAX_WAITING = 500;
const RETRY_SECONDS = 5;

/**
 * Records a webhook in the inbox and applies it, in one transaction. Webhooks of one tenant wait for its row, so a flood of
 * them would hold every database connection; the bulkhead admits a few at a time.
 */
export function makeReceiveWebhook({ db, inbox, applyWebhook, count, log, at, concurrency }: Deps): ReceiveWebhook {
  const few = bulkhead(concurrency, MAX_WAITING);
  async function apply(trx: Knex.Transaction, webhook: Webhook, source: AuditSource): Promise<Received> {
    const id = await inbox.add(trx, webhook);
    if (id === undefined) return { outcome: 'repeated' };
    const result = await applyWebhook(trx, webhook, source);
    await inbox.settle(trx, id, result);
    await at('hook.judged');
    return { id, ...result };
  }

  return async function receiveWebhook(webhook, { requestId, ip }) {
    const source = { ...backgroundSource('system', `hook:${webhook.source}`), requestId, ip };
    try {
      await at('hook.before');
      const received = await few.execute(() => transaction(db, (trx) => apply(trx, webhook, source)));
      await at('hook.committed');
      count(webhook, received.outcome);
      logReceived(log, webhook, requestId, received);
      return received.outcome;
    } catch (error) {
      count(webhook, 'failed');
      if (!(error instanceof BulkheadRejectedError)) throw error;
      throw new AppError('database_unavailable', 'Too many webhooks arrive at once. Try again shortly.', {
        cause: error,
        details: { retry_after: RETRY_SECONDS },
      });
    }
  };
}

type Received = { outcome: Answer; id?: string; organizationId?: string | undefined; detail?: string | undefined };

function logReceived(log: Deps['log'], webhook: Webhook, requestId: string, received: Received): void {
  const { outcome, id, organizationId, detail } = received;
  const level = outcome === 'unreadable' || outcome === 'unknown_tenant' ? 'warn' : 'info';
  log[level](
    {
      request_id: requestId,
      source: webhook.source,
      event_id: webhook.eventId.slice(0, 64),
      type: webhook.type,
      outcome,
      ...(id && { hook: id }),
      ...(organizationId && { organization_id: organizationId }),
      ...(level === 'warn' && { detail }),
    },
    'billing webhook received',
  );
}
