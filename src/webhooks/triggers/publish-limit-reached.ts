import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import type { Environment } from '../../api-keys/key.ts';
import { markAgain } from './marks.ts';
import { webhookEvent } from '../webhook.ts';
import type { OutboxWriter } from '../outbox-writer.ts';

type Deps = { outbox: Pick<OutboxWriter, 'wants' | 'publish'>; clock: Clock };
type Reached = { organizationId: string; environment: Environment; limit: number };

const TYPE = 'api_key.limit_reached';
const HOUR_MS = 60 * 60_000;
/** Test keys have a limit of their own. */
const KINDS = { live: 'limit', test: 'limit_test' } as const satisfies Record<Environment, string>;

/** Publishes, at most once an hour, that the key limit refused a key; in the transaction of the refusal. */
export function makePublishLimitReached({ outbox, clock }: Deps) {
  return async function publishLimitReached(
    trx: Knex.Transaction,
    { organizationId, environment, limit }: Reached,
  ): Promise<void> {
    if (!outbox.wants(TYPE)) return;
    const now = clock();
    const event = { organizationId, subject: organizationId, kind: KINDS[environment] };
    if (!(await markAgain(trx, event, { now, notSince: new Date(now.getTime() - HOUR_MS) }))) return;
    const data = { details: { limit, environment } };
    await outbox.publish(trx, organizationId, [webhookEvent(TYPE, organizationId, now, data)]);
  };
}
