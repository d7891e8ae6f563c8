import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startService } from '../support/service.ts';
import { readStripeEvent } from '../../src/hooks/read-stripe-event.ts';
import type { StripeFact } from '../../src/hooks/stripe-fact.ts';
import { statementOf } from '../../src/hooks/stripe-statement.ts';
import { withFact } from '../../src/hooks/subscription-history.ts';
import { readProduct } from '../../src/permissions/read-product.ts';
import { stripeMappingOf } from '../../src/permissions/stripe-rules.ts';
import { historyOf, step } from './history.ts';
import type { StripeEvent } from './history.ts';
import { HOOK_SECRETS, linkCustomer, newId, sendStripe, tenantOf } from './send.ts';

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

function said(events: readonly StripeEvent[]) {
  const known = new Map<string, StripeFact[]>();
  for (const event of events) {
    const { contents } = readStripeEvent(event, new Date());
    if (contents.kind !== 'stripe') throw new Error('an event was not read');
    const { fact } = contents;
    known.set(fact.subscription, withFact(known.get(fact.subscription) ?? [], fact));
  }
  return statementOf('org_x', [...known.values()], mapping);
}

test('any order and repetition of the history of a customer says what the true order says', () => {
  fc.assert(
    fc.property(telling, (told) => {
      const { events, last } = historyOf(told.steps);
      const inOrder = said(events);
      expect({ billing_status: inOrder?.status, plan: inOrder?.plan }).toEqual(last);
      const shuffled = orderOf(told, events).map((position) => events[position]!);
      expect(said(shuffled)).toEqual(inOrder);
    }),
    { numRuns: 2_000 },
  );
}, 60_000);

test('told to a service, with the customer known at any time, it ends in the same tenant', async () => {
  await fc.assert(
    fc.asyncProperty(telling, async (telling) => {
      const { events, last } = historyOf(telling.steps);
      const inOrder = await told(events, 0, [...events.keys()]);
      expect(inOrder).toMatchObject(last);
      expect(await told(events, telling.linkAt, orderOf(telling, events))).toEqual(inOrder);
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 12), endOnFailure: false },
  );
}, 120_000);

/** @returns all that billing wrote, but for when it was written */
async function told(events: readonly StripeEvent[], linkAt: number, order: readonly number[]): Promise<object> {
  const { id } = await service.organizations.add(null);
  const cus = newId('cus');
  for (const [i, position] of order.entries()) {
    if (i === linkAt) await linkCustomer(service, id, cus);
    const { data, id: eventId, ...event } = events[position]!;
    // Each telling has its own customer, subscriptions and events; a suffix keeps the order of ids.
    const object = { ...data.object, id: `${(data.object as { id: string }).id}_${cus}`, customer: cus };
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
