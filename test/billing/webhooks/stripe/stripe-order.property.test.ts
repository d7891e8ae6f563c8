import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startService } from '../../../support/service.ts';
import { readStripeEvent } from '../../../../src/billing/webhooks/stripe/read-stripe-event.ts';
import type { StripeFact } from '../../../../src/billing/webhooks/stripe/stripe-fact.ts';
import { statementOf } from '../../../../src/billing/webhooks/stripe/stripe-statement.ts';
import { withFact } from '../../../../src/billing/webhooks/stripe/subscription-history.ts';
import { readProduct } from '../../../../src/product/read-product.ts';
import { STRIPE_STATUSES, stripeMappingOf } from '../../../../src/product/stripe-rules.ts';
import type { StripeStatus } from '../../../../src/product/stripe-rules.ts';
import { historyOf, step } from '../history.ts';
import type { StripeEvent } from '../history.ts';
import {
  BASE,
  HOOK_SECRETS,
  invoice,
  linkCustomer,
  newId,
  sendStripe,
  stripeEvent,
  subscription,
  tenantOf,
} from '../send.ts';
import { propertyRuns } from '../../../support/property-runs.ts';

const CONFIG = new URL('stripe-plans.yaml', import.meta.url).pathname;
const service = await startService({ ...HOOK_SECRETS, LATCHKEY_CONFIG: CONFIG });
const { db } = service;
const mapping = stripeMappingOf(readProduct(CONFIG).stripe);

/** The life of one customer, and an order of telling it: every event at least once, any of them again. */
const telling = fc
  .record({ steps: fc.array(step, { minLength: 1, maxLength: 14, size: 'max' }), linkAt: fc.nat({ max: 20 }) })
  .chain(({ steps, linkAt }) =>
    fc.record({
      steps: fc.constant(steps),
      linkAt: fc.constant(linkAt),
      again: fc.array(fc.nat(), { maxLength: 6 }),
      by: fc.array(fc.nat(), { minLength: 80, maxLength: 80 }),
    }),
  );

type Telling = typeof telling extends fc.Arbitrary<infer T> ? T : never;

/** Positions of events as they are told. */
function orderOf({ again, by }: Telling, events: readonly StripeEvent[]): number[] {
  const positions = [...events.keys(), ...again.map((n) => n % events.length)];
  const order = positions.map((position, i) => ({ position, by: by[i]! })).toSorted((a, b) => a.by - b.by);
  return order.map(({ position }) => position);
}

/** What an organization hears last, when each event is judged as it comes. */
function said(events: readonly StripeEvent[], by = mapping) {
  let heard: ReturnType<typeof statementOf>;
  const known = new Map<string, StripeFact[]>();
  for (const event of events) {
    const { contents } = readStripeEvent(event, new Date());
    if (contents.kind !== 'stripe') throw new Error('an event was not read');
    const { fact } = contents;
    known.set(fact.subscription, withFact(known.get(fact.subscription) ?? [], fact));
    heard = statementOf('org_x', [...known.values()], by) ?? heard;
  }
  return heard;
}

test('derives the same billing from any order and repetition of a history', () => {
  fc.assert(
    fc.property(telling, (told) => {
      const { events, last } = historyOf(told.steps);
      const inOrder = said(events);
      expect({ billing_status: inOrder?.status, plan: inOrder?.plan }).toEqual(last);
      const shuffled = orderOf(told, events).map((position) => events[position]!);
      expect(said(shuffled)).toEqual(inOrder);
    }),
    { numRuns: propertyRuns(2_000) },
  );
}, 60_000);

const silenced = (statuses: readonly StripeStatus[]) => ({
  ...mapping,
  statuses: { ...mapping.statuses, ...Object.fromEntries(statuses.map((status) => [status, undefined])) },
});
const some = silenced(['paused', 'unpaid', 'canceled']);

test('derives the same where some statuses have no meaning', () => {
  fc.assert(
    fc.property(telling, fc.subarray([...STRIPE_STATUSES]), (told, statuses) => {
      const by = silenced(statuses);
      const { events } = historyOf(told.steps);
      const shuffled = orderOf(told, events).map((position) => events[position]!);
      expect(said(shuffled, by)).toEqual(said(events, by));
    }),
    { numRuns: propertyRuns(2_000) },
  );
}, 60_000);

test('keeps the end of a trial for a status without a meaning', () => {
  const trial = { status: 'trialing', trial_end: BASE + 99 };
  const paused = stateAt(5, { status: 'paused', trial_end: null });
  expect(said([stateAt(0, trial), paused], some)).toMatchObject({
    status: 'trial',
    trialEndsAt: new Date((BASE + 99) * 1_000),
  });
});

test('ignores an invoice of a subscription that has ended, also where its end has no meaning', () => {
  const parent = { subscription_details: { subscription: 'sub_x' } };
  const unpaid = stripeEvent('invoice.payment_failed', invoice({ parent }), { created: BASE + 9 });
  const events = [stateAt(0, { status: 'active' }), stateAt(5, { status: 'canceled' }), unpaid];
  expect(said(events, some)?.status).toBe('active');
});

test('ends in the same tenant over HTTP, whenever the customer becomes known', async () => {
  await fc.assert(
    fc.asyncProperty(telling, async (telling) => {
      const { events, last } = historyOf(telling.steps);
      const inOrder = await told(events, 0, [...events.keys()]);
      expect(inOrder).toMatchObject(last);
      expect(await told(events, telling.linkAt, orderOf(telling, events))).toEqual(inOrder);
    }),
    { numRuns: propertyRuns(12), endOnFailure: false },
  );
}, 120_000);

function stateAt(second: number, fields: object): StripeEvent {
  return stripeEvent('customer.subscription.updated', subscription(fields), { created: BASE + second });
}

function ofCustomer(object: object, customer: string): object {
  const { id, parent } = object as { id: string; parent?: { subscription_details: { subscription: string } } };
  const subscription = `${parent?.subscription_details.subscription}_${customer}`;
  // An invoice's own id is of no customer: its subscription names it, too.
  const own = parent ? { parent: { subscription_details: { subscription } } } : { id: `${id}_${customer}` };
  return { ...object, ...own, customer };
}

/** @returns all that billing wrote, but for when it was written */
async function told(events: readonly StripeEvent[], linkAt: number, order: readonly number[]): Promise<object> {
  const { id } = await service.organizations.add(null);
  const cus = newId('cus');
  for (const [i, position] of order.entries()) {
    if (i === linkAt) await linkCustomer(service, id, cus);
    const { data, id: eventId, ...event } = events[position]!;
    // Each telling has its own customer, subscriptions and events; a suffix keeps the order of ids.
    const object = ofCustomer(data.object, cus);
    const answer = await sendStripe(service, { ...event, id: `${eventId}_${cus}`, data: { ...data, object } });
    expect(answer.status).toBe(200);
  }
  await linkCustomer(service, id, cus);
  await service.background.runOnce('apply_waiting_hooks');
  const {
    organization_id: _id,
    stripe_customer_id: _cus,
    created_at: _c,
    updated_at: _u,
    billing_reason: reason,
    ...tenant
  } = await tenantOf({ db }, id);
  return { ...tenant, reason: String(reason).replace(cus, '') };
}
