import type { Knex } from 'knex';
import { AppError } from '../../errors.ts';
import { ID } from '../../ids.ts';
import type { WatchedDelivery } from './delivery.ts';
import type { DeliveryRepository } from './delivery-repository.ts';

export type FindDelivery = ReturnType<typeof makeFindDelivery>;

/** Finds a delivery. @throws AppError `webhook_delivery_not_found`, also for one of another organization */
export function makeFindDelivery({ find }: Pick<DeliveryRepository, 'find'>) {
  return async function findDelivery(organizationId: string, id: string, trx?: Knex): Promise<WatchedDelivery> {
    const delivery = ID.test(id) ? await find(organizationId, id, trx) : undefined;
    if (!delivery)
      throw new AppError('webhook_delivery_not_found', 'This organization has no such delivery. List what is kept.');
    return delivery;
  };
}
