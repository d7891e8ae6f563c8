import { z } from 'zod';
import { viewPage } from '../../http/pagination.ts';
import { tenantRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import type { RunOnce } from '../../idempotency/run-once.ts';
import type { WatchedDelivery } from './delivery.ts';
import { DeliveryQuery, readDeliveryQuery } from './delivery-query.ts';
import type { DeliveryRepository } from './delivery-repository.ts';
import {
  WebhookDelivery,
  WebhookDeliveryDetails,
  WebhookDeliveryList,
  viewDelivery,
  viewDetails,
} from './delivery-view.ts';
import type { FindDelivery } from './find-delivery.ts';
import type { makeReplayDelivery } from './replay-delivery.ts';

type Deps = {
  list: DeliveryRepository['list'];
  findDelivery: FindDelivery;
  replayDelivery: ReturnType<typeof makeReplayDelivery>;
  originOf: (endpoint: string) => string | undefined;
  runOnce: RunOnce;
  /** The scopes that the product's file names. */
  scopes: { read_scope: string; replay_scope: string };
};

const PATH = '/v1/webhook-deliveries';
// The endpoints are the product's: a customer's key has no business with them.
const common = { tag: 'Webhooks', callers: ['user', 'machine'] } as const;

const Params = z.object({ id: z.string().max(1024).describe('The id of the delivery.') });

/** Watch the webhooks that are sent about an organization, and have them delivered again. */
export function deliveryRoutes(deps: Deps): Route[] {
  return [listRoute(deps), getRoute(deps), replayRoute(deps)];
}

function listRoute({ list, originOf, scopes }: Deps): Route {
  return tenantRoute({
    ...common,
    operationId: 'listWebhookDeliveries',
    method: 'get',
    path: PATH,
    summary: 'List the webhook deliveries about the organization, newest first',
    description: 'Delivered ones are kept for 7 days, failed ones for 30. The bodies are for the endpoints alone.',
    scope: [scopes.read_scope],
    billing: 'read',
    query: DeliveryQuery,
    responses: { 200: WebhookDeliveryList },
    errors: [],
    async handle({ caller, query }) {
      const { filter, page } = readDeliveryQuery(query);
      const deliveries = await list(caller.organizationId, filter, page);
      return viewPage(deliveries, (delivery) => viewDelivery(delivery, originOf));
    },
  });
}

function getRoute({ findDelivery, originOf, scopes }: Deps): Route {
  return tenantRoute({
    ...common,
    operationId: 'getWebhookDelivery',
    method: 'get',
    path: `${PATH}/{id}`,
    summary: 'Get a webhook delivery with its last attempts',
    scope: [scopes.read_scope],
    billing: 'read',
    params: Params,
    responses: { 200: WebhookDeliveryDetails },
    errors: ['webhook_delivery_not_found'],
    async handle({ caller, params: { id } }) {
      return viewDetails(await findDelivery(caller.organizationId, id), originOf);
    },
  });
}

function replayRoute({ replayDelivery, originOf, runOnce, scopes }: Deps): Route {
  return tenantRoute({
    ...common,
    operationId: 'replayWebhookDelivery',
    method: 'post',
    path: `${PATH}/{id}/replay`,
    summary: 'Have a webhook delivered again',
    description:
      'For a delivery that has ended, delivered or failed. The endpoint receives the same body with the same `webhook-id`, and is tried for three days more. Counts towards the changes of keys that the organization may make in a minute.',
    scope: [scopes.replay_scope],
    billing: 'create',
    params: Params,
    responses: { 200: WebhookDelivery },
    idempotent: true,
    errors: ['webhook_delivery_not_found', 'delivery_not_replayable'],
    handle: ({ caller, params: { id }, context }) =>
      runOnce(
        { caller, context, route: 'replayWebhookDelivery', sent: { id } },
        {
          view: (replayed: WatchedDelivery) => viewDelivery(replayed, originOf),
          renew: (stored) => Promise.resolve(stored),
          run: (repeatable) =>
            replayDelivery(caller, { organizationId: caller.organizationId, id }, context, repeatable),
        },
      ),
  });
}
