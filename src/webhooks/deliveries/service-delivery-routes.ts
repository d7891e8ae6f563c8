import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { viewPage } from '../../http/pagination.ts';
import { serviceRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import { NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../../ids.ts';
import type { DeliveryRepository } from './delivery-repository.ts';
import { DeliveryQuery, readDeliveryQuery } from './delivery-query.ts';
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
};

const PATH = '/v1/organizations/{id}/webhook-deliveries';
const TAG = 'Webhooks';

const organization = { id: z.string().max(1024).describe("WorkOS's id of the organization.") };
const Organization = z.object(organization);
const Delivery = z.object({ ...organization, delivery_id: z.string().max(1024).describe('The id of the delivery.') });

/** The same for the product's services, which name the organization. */
export function serviceDeliveryRoutes(deps: Deps): Route[] {
  return [listRoute(deps), getRoute(deps), replayRoute(deps)];
}

function listRoute({ list, originOf }: Deps): Route {
  return serviceRoute({
    operationId: 'listWebhookDeliveriesOf',
    method: 'get',
    path: PATH,
    tag: TAG,
    summary: 'List the webhook deliveries about an organization, newest first',
    scope: ['webhooks:read', 'webhooks:write'],
    params: Organization,
    query: DeliveryQuery,
    responses: { 200: WebhookDeliveryList },
    errors: ['organization_not_found'],
    async handle({ params, query }) {
      const { filter, page } = readDeliveryQuery(query);
      const deliveries = await list(organizationOf(params), filter, page);
      return viewPage(deliveries, (delivery) => viewDelivery(delivery, originOf));
    },
  });
}

function getRoute({ findDelivery, originOf }: Deps): Route {
  return serviceRoute({
    operationId: 'getWebhookDeliveryOf',
    method: 'get',
    path: `${PATH}/{delivery_id}`,
    tag: TAG,
    summary: 'Get a webhook delivery about an organization with its last attempts',
    scope: ['webhooks:read', 'webhooks:write'],
    params: Delivery,
    responses: { 200: WebhookDeliveryDetails },
    errors: ['organization_not_found', 'webhook_delivery_not_found'],
    async handle({ params }) {
      return viewDetails(await findDelivery(organizationOf(params), params.delivery_id), originOf);
    },
  });
}

function replayRoute({ replayDelivery, originOf }: Deps): Route {
  return serviceRoute({
    operationId: 'replayWebhookDeliveryOf',
    method: 'post',
    path: `${PATH}/{delivery_id}/replay`,
    tag: TAG,
    summary: 'Have a webhook about an organization delivered again',
    description: 'For a delivery that has ended, whatever the billing of the organization.',
    scope: ['webhooks:write'],
    params: Delivery,
    responses: { 200: WebhookDelivery },
    errors: ['organization_not_found', 'webhook_delivery_not_found', 'delivery_not_replayable'],
    async handle({ caller, params, context }) {
      const wanted = { organizationId: organizationOf(params), id: params.delivery_id };
      return viewDelivery(await replayDelivery(caller, wanted, context), originOf);
    },
  });
}

/** @throws AppError `organization_not_found` */
function organizationOf({ id }: { id: string }): string {
  if (!ORGANIZATION_ID.test(id)) throw new AppError('organization_not_found', NO_ORGANIZATION_ID);
  return id;
}
