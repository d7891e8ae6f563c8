import type { Route } from '../http/route.ts';
import type { RunOnce } from '../idempotency/run-once.ts';
import { makeDeliveryRepository } from '../webhooks/deliveries/delivery-repository.ts';
import { deliveryRoutes } from '../webhooks/deliveries/delivery-routes.ts';
import { makeFindDelivery } from '../webhooks/deliveries/find-delivery.ts';
import { makeReplayDelivery } from '../webhooks/deliveries/replay-delivery.ts';
import { serviceDeliveryRoutes } from '../webhooks/deliveries/service-delivery-routes.ts';
import type { Platform } from './platform.ts';

type Deps = Pick<Platform, 'db' | 'product' | 'audit' | 'budgets' | 'clock'> & { runOnce: RunOnce };

/** Wires the routes that show an organization's webhook deliveries and replay them. */
export function makeDeliveryRoutes({ product, budgets, runOnce, ...deps }: Deps): Route[] {
  const { endpoints, deliveries: scopes } = product.webhooks;
  const origins = new Map(endpoints.map(({ name, url }) => [name, new URL(url).origin]));
  const deliveries = makeDeliveryRepository(deps.db);
  const findDelivery = makeFindDelivery(deliveries);
  const replayDelivery = makeReplayDelivery({
    ...deps,
    deliveries,
    findDelivery,
    isConfigured: (endpoint) => origins.has(endpoint),
    count: budgets.keyChanges.count,
  });
  const originOf = (endpoint: string) => origins.get(endpoint);
  const handed = { list: deliveries.list, findDelivery, replayDelivery, originOf };
  return [...deliveryRoutes({ ...handed, runOnce, scopes }), ...serviceDeliveryRoutes(handed)];
}
