import type { Knex } from 'knex';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import type { Repeatable } from '../../idempotency/run-once.ts';
import { enqueueAgain } from '../undelivered.ts';
import type { WatchedDelivery } from './delivery.ts';
import type { DeliveryRepository } from './delivery-repository.ts';
import type { FindDelivery } from './find-delivery.ts';

type Deps = {
  db: Knex;
  deliveries: Pick<DeliveryRepository, 'find'>;
  findDelivery: FindDelivery;
  /** Whether the configuration has an endpoint of this name. */
  isConfigured: (endpoint: string) => boolean;
  audit: Pick<AuditLog, 'append'>;
  /** Counts towards what the organization may change in a minute. @throws AppError `rate_limited` */
  count: (organizationId: string) => Promise<void>;
  clock: Clock;
};

/**
 * Has a delivery that has ended delivered again, with the same id and body.
 * @throws AppError `webhook_delivery_not_found`, `delivery_not_replayable`, `rate_limited`
 */
export function makeReplayDelivery({ db, deliveries, findDelivery, isConfigured, audit, count, clock }: Deps) {
  return async function replayDelivery(
    caller: Caller,
    { organizationId, id }: { organizationId: string; id: string },
    context: RequestContext,
    { complete }: Pick<Repeatable<WatchedDelivery>, 'complete'> = { complete: async () => undefined },
  ): Promise<WatchedDelivery> {
    await count(organizationId);
    return transaction(db, async (trx) => {
      const { endpoint, type, status } = await findDelivery(organizationId, id, trx);
      if (!isConfigured(endpoint)) throw notReplayable('endpoint_removed');
      if (status === 'pending' || status === 'retrying') throw notReplayable('under_way');
      // First, since every change of an organization takes its place in the chain before it wakes a queue.
      await audit.append(trx, {
        ...auditSource(caller, context),
        organizationId,
        action: 'webhook_delivery.replayed',
        target: { kind: 'webhook_delivery', id },
        details: { type, endpoint },
      });
      if (!(await enqueueAgain(trx, { organizationId, endpoint, id }, clock()))) throw notReplayable('under_way');
      const replayed = (await deliveries.find(organizationId, id, trx))!;
      await complete(trx, replayed);
      return replayed;
    });
  };
}

const MESSAGES = {
  under_way: 'This delivery is under way. Wait for its next attempt.',
  endpoint_removed: 'The endpoint of this delivery is no longer configured. Configure it under its old name.',
};

function notReplayable(reason: keyof typeof MESSAGES): AppError {
  return new AppError('delivery_not_replayable', MESSAGES[reason], { details: { reason } });
}
