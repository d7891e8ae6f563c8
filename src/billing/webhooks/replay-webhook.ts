import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { backgroundSource } from '../../audit/audit-event.ts';
import { transaction } from '../../db/transaction.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { HookOutcome, Judged, TakenOutcome } from './webhook.ts';
import { typeLabel } from './webhook-label.ts';
import type { Inbox } from './inbox.ts';
import type { JudgeHook } from './judge-webhook.ts';

type Deps = {
  db: Knex;
  inbox: Pick<Inbox, 'take' | 'settle'>;
  judgeHook: JudgeHook;
  hooks: Metrics['hooks'];
  log: Pick<Logger, 'info'>;
};

export type ReplayHook = ReturnType<typeof makeReplayHook>;

type Refused = { outcome: 'refused'; organizationId?: undefined; detail: string };
const REFUSED: Refused = { outcome: 'refused', detail: 'nothing of it is kept: let its sender send it again' };

/**
 * Applies a hook of the inbox once more, by the same rules as at first: what was applied before changes nothing.
 * @returns what became of it now; undefined when there is no such hook
 */
export function makeReplayHook({ db, inbox, judgeHook, hooks, log }: Deps) {
  return async function replayHook(id: string): Promise<Judged | Refused | undefined> {
    const replayed = await transaction(db, async (trx) => {
      const hook = await inbox.take(trx, id);
      if (!hook) return undefined;
      const { contents, eventId, outcome } = hook;
      if (contents.kind === 'refused') return REFUSED;
      const judged = await judgeHook(trx, { eventId, contents }, backgroundSource('system', `hook:${hook.source}`));
      await inbox.settle(trx, id, { ...judged, outcome: kept(outcome, judged.outcome) });
      return { hook, judged };
    });
    if (!replayed || 'outcome' in replayed) return replayed;
    const { hook, judged } = replayed;
    hooks.inc({ source: hook.source, type: typeLabel(hook), outcome: judged.outcome });
    log.info({ hook: id, source: hook.source, type: hook.type, outcome: judged.outcome }, 'a hook was replayed');
    return judged;
  };
}

/** What was applied stays told as applied, though it is no news now. */
function kept(before: HookOutcome, now: TakenOutcome): TakenOutcome {
  return before === 'applied' ? before : now;
}
