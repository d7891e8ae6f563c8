import type { Knex } from 'knex';
import type { AuditSource } from '../../audit/audit-event.ts';
import type { ApplyMessage } from './standard/apply-message.ts';
import type { ApplyStripe } from './stripe/apply-stripe.ts';
import type { Hook, Judged } from './webhook.ts';

type Deps = { applyStripe: ApplyStripe; applyMessage: ApplyMessage };

export type JudgeHook = ReturnType<typeof makeJudgeHook>;

/** Applies a hook that is in the inbox, by the rules of whoever sent it. */
export function makeJudgeHook({ applyStripe, applyMessage }: Deps) {
  return async function judgeHook(
    trx: Knex.Transaction,
    { eventId, contents }: Pick<Hook, 'eventId' | 'contents'>,
    source: AuditSource,
  ): Promise<Judged> {
    if (contents.kind === 'stripe') return applyStripe(trx, contents.fact, source);
    if (contents.kind === 'billing') return applyMessage(trx, { eventId, message: contents.message }, source);
    if (contents.kind === 'unreadable') return { outcome: 'unreadable', detail: contents.detail };
    return { outcome: 'ignored' };
  };
}
