import { z } from 'zod';
import { ORGANIZATION_ID } from '../../../ids.ts';
import { STRIPE_STATUSES } from '../../../product/stripe-rules.ts';
import { EVENT_TYPE } from '../webhook.ts';
import type { Webhook, WebhookContents } from '../webhook.ts';
import type { StripeFact, SubscriptionState } from './stripe-fact.ts';

/** The events that concern Latchkey, and what each is about. */
export const STRIPE_TYPES = {
  'customer.subscription.created': 'created',
  'customer.subscription.updated': 'updated',
  'customer.subscription.deleted': 'deleted',
  'customer.subscription.paused': 'other',
  'customer.subscription.resumed': 'other',
  'customer.subscription.trial_will_end': 'other',
  'invoice.paid': 'paid',
  'invoice.payment_failed': 'failed',
} as const;
type StripeType = keyof typeof STRIPE_TYPES;

const MAX_ITEMS = 20;
const MAX_DETAIL = 300;
/** The end of the year 9999, in seconds. */
const LAST_MOMENT = 253_402_300_799;
/** How far Stripe's clock may be ahead of ours. */
const MAX_AHEAD_SECONDS = 300;

type Item = SubscriptionState['items'][number];

const id = z.string().regex(/^[\w.:-]{1,255}$/);
const moment = z.int().min(0).max(LAST_MOMENT);
/** Stripe sends the object in place of its id where the endpoint expands it. */
const reference = z
  .union([id, z.object({ id }).transform((object) => object.id)])
  .nullish()
  .transform((value) => value ?? null);
const named = z
  .object({ organization_id: z.string().regex(ORGANIZATION_ID) })
  .transform((metadata) => metadata.organization_id)
  .nullish()
  // Anything else in this field was not written for Latchkey, or is a slip: it names no organization.
  .catch(null);

/** What the body of any event must have. */
export const StripeEvent = z
  .looseObject({
    id: z.string().regex(/^\w{1,255}$/),
    type: z.string().regex(EVENT_TYPE),
    created: z.unknown().optional(),
    // Absent from a thin payload, which has only the address of the object.
    data: z.unknown().optional(),
  })
  .meta({ id: 'StripeEvent' });
type StripeEvent = z.output<typeof StripeEvent>;

const item = z.object({
  price: z
    .object({ id, product: reference })
    .transform(({ id: price, product }): Item => ({ price, product }))
    .nullish()
    .transform((price): Item => price ?? { price: null, product: null }),
});
const stateFields = {
  status: z.enum(STRIPE_STATUSES),
  trial_end: moment.nullish(),
  latest_invoice: reference,
  items: z.object({ data: z.array(item).max(MAX_ITEMS) }).optional(),
  cancel_at_period_end: z.boolean().nullish(),
  canceled_at: moment.nullish(),
  ended_at: moment.nullish(),
};
const Subscription = z
  .object({ ...stateFields, id, customer: reference, created: moment.nullish(), metadata: named })
  .refine(({ status, trial_end: end }) => status !== 'trialing' || typeof end === 'number', {
    path: ['trial_end'],
    message: 'a trial needs its end',
  });
const Before = z.object(stateFields).partial();

const Invoice = z.object({
  id,
  customer: reference,
  billing_reason: z.string().max(100).nullish(),
  // Since 2025 the subscription is in `parent`; before, it was in fields of the invoice.
  subscription: reference,
  subscription_details: z.object({ metadata: named }).nullish(),
  parent: z
    .object({ subscription_details: z.object({ subscription: reference, metadata: named }).nullish() })
    .nullish(),
});

/** What is kept of an event. Stored in the inbox. */
export type StripeContents = { kind: 'stripe'; fact: StripeFact };
type Contents = WebhookContents<StripeContents>;

/** Reads an event of Stripe and keeps only what decides about billing: no names, addresses or cards. */
export function readStripeEvent(event: StripeEvent, now: Date): Webhook<StripeContents> {
  const { id: eventId, type } = event;
  const created = moment.max(Math.floor(now.getTime() / 1_000) + MAX_AHEAD_SECONDS).safeParse(event.created);
  const occurredAt = created.success ? new Date(created.data * 1_000) : undefined;
  const contents = contentsOf(event, created);
  const { organization, customer } =
    contents.kind === 'stripe' ? contents.fact : { organization: null, customer: null };
  return {
    source: 'stripe',
    eventId,
    type,
    occurredAt,
    organizationId: organization ?? undefined,
    customerId: customer ?? undefined,
    contents,
  };
}

function contentsOf({ id: eventId, type, data }: StripeEvent, created: z.ZodSafeParseResult<number>): Contents {
  if (isThin(type)) return { kind: 'unreadable', detail: 'object: a thin payload; choose snapshots for this endpoint' };
  if (!Object.hasOwn(STRIPE_TYPES, type)) return { kind: 'foreign' };
  const change = STRIPE_TYPES[type as StripeType];
  const isInvoice = change === 'paid' || change === 'failed';
  const object = (isInvoice ? Invoice : Subscription).safeParse(fieldOf(data, 'object'));
  const error = created.error ?? object.error;
  if (error) return { kind: 'unreadable', detail: describe(error) };
  const common = { id: eventId, at: created.data! };
  if (isInvoice) return invoiceContents(common, change === 'paid', object.data as z.output<typeof Invoice>);
  const subscription = object.data as z.output<typeof Subscription>;
  const fact = stateFact(common, change, subscription, previousOf(fieldOf(data, 'previous_attributes')));
  return { kind: 'stripe', fact };
}

/** Whether Stripe sent one of our events as a thin payload, without the object. */
function isThin(type: string): boolean {
  return type.startsWith('v1.') && Object.hasOwn(STRIPE_TYPES, type.slice('v1.'.length));
}

type Moment = { id: string; at: number };
type Change = Extract<StripeFact, { kind: 'state' }>['change'];

function stateFact(
  common: Moment,
  change: Change,
  subscription: z.output<typeof Subscription>,
  previous: Partial<StateFields>,
): StripeFact {
  const { id: subscriptionId, customer, created: born, metadata } = subscription;
  return {
    kind: 'state',
    ...common,
    subscription: subscriptionId,
    customer,
    organization: metadata ?? null,
    change,
    born: born ?? 0,
    state: stateOf(subscription),
    before: Object.keys(previous).length === 0 ? null : stateOf({ ...subscription, ...previous }),
  };
}

/** The fields that had another value before. A field that is not named had the same value, which is not null. */
function previousOf(sent: unknown): Partial<StateFields> {
  const { data: previous = {} } = Before.safeParse(sent);
  return Object.fromEntries(Object.entries(previous).filter(([name]) => fieldOf(sent, name) !== undefined));
}

type StateFields = Pick<z.output<typeof Subscription>, keyof typeof stateFields>;

function stateOf(fields: StateFields): SubscriptionState {
  return {
    status: fields.status,
    trialEnd: fields.trial_end ?? null,
    latestInvoice: fields.latest_invoice,
    items: fields.items?.data.map(({ price }) => price) ?? [],
    cancelAtPeriodEnd: fields.cancel_at_period_end ?? null,
    canceledAt: fields.canceled_at ?? null,
    endedAt: fields.ended_at ?? null,
  };
}

function invoiceContents(common: Moment, paid: boolean, invoice: z.output<typeof Invoice>): Contents {
  const { parent, subscription_details: details, billing_reason: reason } = invoice;
  const subscription = parent?.subscription_details?.subscription ?? invoice.subscription;
  // Other purchases are paid by invoice, too.
  if (subscription === null) return { kind: 'foreign' };
  // An unpaid change may not have taken effect: only the subscription says whether it waits for the payment or owes it.
  if (!paid && reason === 'subscription_update') return { kind: 'foreign' };
  const organization = parent?.subscription_details?.metadata ?? details?.metadata ?? null;
  const aside = reason === 'subscription_create' || reason === 'manual';
  const { id: invoiceId, customer } = invoice;
  return {
    kind: 'stripe',
    fact: { kind: 'invoice', ...common, subscription, customer, organization, paid, invoice: invoiceId, aside },
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

// The schema's own messages only, so that nothing of the event is repeated.
function describe(error: z.ZodError): string {
  const parts = error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join('.') || 'object'}: ${message}`);
  return parts.join('; ').slice(0, MAX_DETAIL).toWellFormed();
}
