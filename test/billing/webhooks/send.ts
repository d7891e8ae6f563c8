import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Stripe } from 'stripe';
import { call } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import type { Service } from '../../support/service.ts';

export const STRIPE_SECRET = 'whsec_testsoflatchkey0123456789';
export const OTHER_STRIPE_SECRET = 'whsec_anothersecretoflatchkey01';
export const BILLING_SECRET = `whsec_${Buffer.alloc(32, 'billing').toString('base64')}`;
export const OTHER_BILLING_SECRET = `whsec_${Buffer.alloc(32, 'rotated').toString('base64')}`;
export const HOOK_SECRETS = {
  STRIPE_WEBHOOK_SECRET: `${STRIPE_SECRET},${OTHER_STRIPE_SECRET}`,
  BILLING_WEBHOOK_SECRETS: `${BILLING_SECRET}, ${OTHER_BILLING_SECRET}`,
};

export const newId = (prefix: string) => `${prefix}_${randomBytes(8).toString('hex')}`;
/** Seconds since 1970, as Stripe has them; some time ago, so that nothing is of the future. */
export const BASE = Math.floor(Date.now() / 1_000) - 90 * 86_400;

type Sent = { secret?: string; sentAt?: number; headers?: Record<string, string>; id?: string };
type To = Pick<Service, 'url'>;

const textOf = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body));

/** Sends an event as Stripe does, signed by Stripe's own library. */
export function sendStripe(
  to: To,
  body: unknown,
  { secret = STRIPE_SECRET, sentAt, headers = {} }: Sent = {},
): Promise<Answer> {
  const payload = textOf(body);
  const signature = Stripe.webhooks.generateTestHeaderString({
    payload,
    secret,
    ...(sentAt !== undefined && { timestamp: Math.floor(sentAt / 1_000) }),
  });
  return call(to, 'POST', '/v1/hooks/stripe', {
    body: payload,
    headers: { 'stripe-signature': signature, ...headers },
  });
}

/** The headers of a message of Standard Webhooks, signed by their own library. */
export function signedBilling(
  payload: string,
  { secret = BILLING_SECRET, sentAt = Date.now(), id = newId('msg') }: Omit<Sent, 'headers'> = {},
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAt / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(sentAt), payload),
  };
}

/** Sends such a message. */
export function sendBilling(to: To, body: unknown, { headers = {}, ...sent }: Sent = {}): Promise<Answer> {
  const payload = textOf(body);
  return call(to, 'POST', '/v1/hooks/billing', {
    body: payload,
    headers: { ...signedBilling(payload, sent), ...headers },
  });
}

export function message(organizationId: string, data: object, timestamp = new Date().toISOString()) {
  return { type: 'tenant.billing_updated', timestamp, data: { organization_id: organizationId, ...data } };
}

/** A subscription as Stripe sends it, with more than is read. */
export function subscription(fields: object = {}) {
  return {
    id: 'sub_x',
    object: 'subscription',
    application: null,
    billing_cycle_anchor: BASE,
    cancel_at_period_end: false,
    canceled_at: null,
    collection_method: 'charge_automatically',
    created: BASE,
    currency: 'eur',
    customer: 'cus_x',
    default_payment_method: 'pm_x',
    description: 'for jane@acme.test',
    ended_at: null,
    items: {
      object: 'list',
      data: [
        {
          id: 'si_x',
          object: 'subscription_item',
          price: { id: 'price_x', object: 'price', product: 'prod_x' },
          quantity: 1,
        },
      ],
      has_more: false,
    },
    latest_invoice: 'in_1',
    livemode: false,
    metadata: {},
    status: 'active',
    trial_end: null,
    ...fields,
  };
}

export function invoice(fields: object = {}) {
  return {
    id: 'in_1',
    object: 'invoice',
    billing_reason: 'subscription_cycle',
    customer: 'cus_x',
    customer_email: 'jane@acme.test',
    customer_name: 'Jane',
    parent: { type: 'subscription_details', subscription_details: { subscription: 'sub_x', metadata: {} } },
    status: 'open',
    ...fields,
  };
}

type EventFields = { id?: string; created?: number; previous?: object };

export function stripeEvent(
  type: string,
  object: object,
  { id = newId('evt'), created = BASE, previous }: EventFields = {},
) {
  return {
    id,
    object: 'event',
    api_version: '2026-10-01',
    created,
    data: { object, ...(previous && { previous_attributes: previous }) },
    livemode: false,
    pending_webhooks: 1,
    request: { id: 'req_x', idempotency_key: null },
    type,
  };
}

/** Tells a service that an organization is a customer of Stripe. */
export async function linkCustomer(
  { db }: Pick<Service, 'db'>,
  organizationId: string,
  customer = newId('cus'),
): Promise<string> {
  const now = new Date();
  await db('tenants')
    .insert({ organization_id: organizationId, stripe_customer_id: customer, created_at: now, updated_at: now })
    .onConflict('organization_id')
    .merge({ stripe_customer_id: customer });
  return customer;
}

export const tenantOf = ({ db }: Pick<Service, 'db'>, organizationId: string) =>
  db('tenants').where({ organization_id: organizationId }).first();
export const kept = ({ db }: Pick<Service, 'db'>, eventId: string) =>
  db('hook_inbox').where({ event_id: eventId }).first();
