import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { backgroundSource } from '../../audit/audit-event.ts';
import type { AuditSource } from '../../audit/audit-event.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { RequestContext } from '../../http/route.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Hook, TakenOutcome } from './webhook.ts';
import { typeLabel } from './webhook-label.ts';
import type { Inbox } from './inbox.ts';
import type { JudgeHook } from './judge-webhook.ts';

type Deps = {
  db: Knex;
  inbox: Pick<Inbox, 'add' | 'settle'>;
  judgeHook: JudgeHook;
  hooks: Metrics['hooks'];
  log: Pick<Logger, 'info' | 'warn'>;
  at: FaultPoint;
  /** How many are applied at a time; others wait. */
  concurrency: number;
};

/** `repeated`: it was here before, and nothing was done. */
export type Answer = TakenOutcome | 'repeated';
export type TakeHook = (hook: Hook, context: Pick<RequestContext, 'requestId' | 'ip'>) => Promise<Answer>;

/** As many as are applied within the seconds that a sender waits. */
const MAX_WAITING = 500;
const RETRY_SECONDS = 5;

/**
 * Writes a hook into the inbox and applies it, both or neither. Those of one tenant wait for each other: a flood of them
 * would hold every connection to the database, were they not let in a few at a time.
 */
export function makeTakeHook({ db, inbox, judgeHook, hooks, log, at, concurrency }: Deps): TakeHook {
  const few = bulkhead(concurrency, MAX_WAITING);
  async function apply(trx: Knex.Transaction, hook: Hook, source: AuditSource): Promise<Taken> {
    const id = await inbox.add(trx, hook);
    if (id === undefined) return { outcome: 'repeated' };
    const judged = await judgeHook(trx, hook, source);
    await inbox.settle(trx, id, judged);
    await at('hook.judged');
    return { id, ...judged };
  }

  return async function takeHook(hook, { requestId, ip }) {
    const source = { ...backgroundSource('system', `hook:${hook.source}`), requestId, ip };
    const count = (outcome: Answer | 'failed') => hooks.inc({ source: hook.source, type: typeLabel(hook), outcome });
    try {
      await at('hook.before');
      const taken = await few.execute(() => transaction(db, (trx) => apply(trx, hook, source)));
      await at('hook.committed');
      count(taken.outcome);
      tell(log, hook, requestId, taken);
      return taken.outcome;
    } catch (error) {
      count('failed');
      if (!(error instanceof BulkheadRejectedError)) throw error;
      const details = { retry_after: RETRY_SECONDS };
      throw new AppError('database_unavailable', 'Too many hooks come at once. Try again shortly.', {
        cause: error,
        details,
      });
    }
  };
}

type Taken = { outcome: Answer; id?: string; organizationId?: string | undefined; detail?: string | undefined };

function tell(log: Deps['log'], hook: Hook, requestId: string, { outcome, id, organizationId, detail }: Taken): void {
  const level = outcome === 'unreadable' || outcome === 'unknown_tenant' ? 'warn' : 'info';
  log[level](
    {
      request_id: requestId,
      source: hook.source,
      event_id: hook.eventId.slice(0, 64),
      type: hook.type,
      outcome,
      ...(id && { hook: id }),
      ...(organizationId && { organization_id: organizationId }),
      ...(level === 'warn' && { detail }),
    },
    'a hook came in',
  );
}
