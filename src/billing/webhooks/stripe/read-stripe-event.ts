import { z } from 'zod';
import { ORGANIZATION_ID } from '../../../ids.ts';
import { STRIPE_STATUSES } from '../../../product/stripe-rules.ts';
import { EVENT_TYPE } from '../webhook.ts';
import type { Hook, HookContents } from '../webhook.ts';
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
/** As far as our clock and Stripe's may be apart. */
const MAX_AHEAD_SECONDS = 300;

type Item = SubscriptionState['items'][number];

const id = z.string().regex(/^[\w.:-]{1,255}$/);
const moment = z.int().min(0).max(LAST_MOMENT);
/** Stripe gives an object in place of its id where somebody asked for that. */
const reference = z
  .union([id, z.object({ id }).transform((object) => object.id)])
  .nullish()
  .transform((value) => value ?? null);
const named = z
  .object({ organization_id: z.string().regex(ORGANIZATION_ID) })
  .transform((metadata) => metadata.organization_id)
  .nullish()
  // Somebody else's word for something else, or a slip: it names nobody.
  .catch(null);

/** The body of any event, as far as it must be there. */
export const StripeEvent = z
  .looseObject({
    id: z.string().regex(/^\w{1,255}$/),
    type: z.string().regex(EVENT_TYPE),
    created: z.unknown().optional(),
    // Not in a thin payload, which has but the address of what happened.
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
    message: 'a trial has no end',
  });
const Before = z.object(stateFields).partial();

const Invoice = z.object({
  id,
  customer: reference,
  billing_reason: z.string().max(100).nullish(),
  // Since 2025 what an invoice is for is in `parent`, before it was beside.
  subscription: reference,
  subscription_details: z.object({ metadata: named }).nullish(),
  parent: z
    .object({ subscription_details: z.object({ subscription: reference, metadata: named }).nullish() })
    .nullish(),
});

/** Reads an event of Stripe, and keeps of it what decides: nobody's name, address or card. */
export function readStripeEvent(event: StripeEvent, now: Date): Hook {
  const { id: eventId, type } = event;
  const created = moment.max(Math.floor(now.getTime() / 1_000) + MAX_AHEAD_SECONDS).safeParse(event.created);
  const occurredAt = created.success ? new Date(created.data * 1_000) : undefined;
  return { source: 'stripe', eventId, type, occurredAt, contents: contentsOf(event, created) };
}

function contentsOf({ id: eventId, type, data }: StripeEvent, created: z.ZodSafeParseResult<number>): HookContents {
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

/** Stripe's name for one of our events where it is sent without what happened. */
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

/** What was another before; what is not named was the same, which is not to have been null. */
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

function invoiceContents(common: Moment, paid: boolean, invoice: z.output<typeof Invoice>): HookContents {
  const { parent, subscription_details: details, billing_reason: reason } = invoice;
  const subscription = parent?.subscription_details?.subscription ?? invoice.subscription;
  // Whoever buys something else pays by invoice, too.
  if (subscription === null) return { kind: 'foreign' };
  // A change that is not paid may be none: only the subscription knows whether it waits for the payment or owes it.
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

// The schema's own words alone: nothing of what was sent.
function describe(error: z.ZodError): string {
  const parts = error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join('.') || 'object'}: ${message}`);
  return parts.join('; ').slice(0, MAX_DETAIL).toWellFormed();
}
