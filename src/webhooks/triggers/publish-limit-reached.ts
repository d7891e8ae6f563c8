import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import type { Environment } from '../../api-keys/key.ts';
import { markAgain } from './marks.ts';
import { notice } from '../webhook.ts';
import type { OutboxWriter } from '../outbox-writer.ts';

type Deps = { outbox: Pick<OutboxWriter, 'wants' | 'tell'>; clock: Clock };
type Reached = { organizationId: string; environment: Environment; limit: number };

const TYPE = 'api_key.limit_reached';
const HOUR_MS = 60 * 60_000;
/** Test keys are counted apart, so that their limit says nothing of the other. */
const KINDS = { live: 'limit', test: 'limit_test' } as const satisfies Record<Environment, string>;

/** Tells of a refusal for an organization's key limit in the transaction that refuses, at most once an hour. */
export function makeTellLimitReached({ outbox, clock }: Deps) {
  return async function tellLimitReached(
    trx: Knex.Transaction,
    { organizationId, environment, limit }: Reached,
  ): Promise<void> {
    if (!outbox.wants(TYPE)) return;
    const now = clock();
    const told = { organizationId, subject: organizationId, kind: KINDS[environment] };
    if (!(await markAgain(trx, told, { now, notSince: new Date(now.getTime() - HOUR_MS) }))) return;
    const data = { details: { limit, environment } };
    await outbox.tell(trx, organizationId, [notice(TYPE, organizationId, now, data)]);
  };
}
