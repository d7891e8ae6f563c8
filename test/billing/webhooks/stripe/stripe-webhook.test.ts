import { describe, expect, test } from 'vitest';
import { call, outcome } from '../../../support/api.ts';
import { startService } from '../../../support/service.ts';
import {
  BASE,
  HOOK_SECRETS,
  invoice,
  kept,
  linkCustomer,
  newId,
  sendStripe,
  stripeEvent,
  subscription,
  tenantOf,
} from '../send.ts';

const PATH = '/v1/hooks/stripe';
const service = await startService(HOOK_SECRETS);

async function customer() {
  const { id } = await service.organizations.add(null);
  const cus = await linkCustomer(service, id);
  const sub = newId('sub');
  return { id, cus, sub, object: (fields: object = {}) => subscription({ id: sub, customer: cus, ...fields }) };
}

const updated = (object: object, created = BASE, previous?: object) =>
  stripeEvent('customer.subscription.updated', object, { created, ...(previous && { previous }) });

describe('POST /v1/hooks/stripe', () => {
  test.each([
    ['trialing', { billing_status: 'trial', trial_ends_at: new Date((BASE + 99) * 1_000) }],
    ['active', { billing_status: 'active', trial_ends_at: null }],
    ['past_due', { billing_status: 'past_due' }],
    ['unpaid', { billing_status: 'past_due' }],
    ['paused', { billing_status: 'past_due' }],
    ['canceled', { billing_status: 'decommissioning' }],
    ['incomplete_expired', { billing_status: 'decommissioning' }],
    ['incomplete', { billing_status: null }],
  ])('a subscription that is %s moves its organization', async (status, expected) => {
    const { id, object } = await customer();
    const answer = await sendStripe(service, updated(object({ status, trial_end: BASE + 99 })));
    expect([answer.status, answer.body['outcome']]).toEqual([200, status === 'incomplete' ? 'unchanged' : 'applied']);
    expect(await tenantOf(service, id)).toMatchObject(expected);
  });

  test.each([
    ['customer.subscription.created', 'active', 'active'],
    ['customer.subscription.paused', 'paused', 'past_due'],
    ['customer.subscription.resumed', 'active', 'active'],
    ['customer.subscription.trial_will_end', 'trialing', 'trial'],
    ['customer.subscription.deleted', 'canceled', 'decommissioning'],
  ])('%s is read like an update', async (type, status, expected) => {
    const { id, object } = await customer();
    await sendStripe(service, stripeEvent(type, object({ status, trial_end: BASE + 99 })));
    expect(await tenantOf(service, id)).toMatchObject({
      billing_status: expected,
      stripe_customer_id: object().customer,
    });
  });

  test('makes an organization past_due for a failed invoice, until it is paid', async () => {
    const { id, cus, sub, object } = await customer();
    const bill = (type: string, created: number, fields: object = {}) =>
      sendStripe(
        service,
        stripeEvent(
          type,
          invoice({ customer: cus, parent: { subscription_details: { subscription: sub } }, ...fields }),
          { created },
        ),
      );
    await sendStripe(service, updated(object({ latest_invoice: 'in_2' })));
    await bill('invoice.payment_failed', BASE + 5, { id: 'in_1' });
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'active' });
    await bill('invoice.payment_failed', BASE + 5, { id: 'in_2' });
    expect(await tenantOf(service, id)).toMatchObject({
      billing_status: 'past_due',
      status_since: new Date((BASE + 5) * 1_000),
    });
    await bill('invoice.paid', BASE + 6, { id: 'in_2' });
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'active' });
  });

  test('leaves the organization as its subscription says for a change that is not paid', async () => {
    const { id, cus, sub, object } = await customer();
    await sendStripe(service, updated(object({ latest_invoice: 'in_2', pending_update: { expires_at: BASE + 99 } })));
    const parent = { subscription_details: { subscription: sub } };
    const unpaid = invoice({ id: 'in_2', customer: cus, billing_reason: 'subscription_update', parent });
    const event = stripeEvent('invoice.payment_failed', unpaid, { created: BASE + 1 });
    expect((await sendStripe(service, event)).body).toEqual({ outcome: 'ignored' });
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'active' });
  });

  test('ignores an invoice without a subscription, and one in a trial', async () => {
    const { id, cus, sub, object } = await customer();
    const loose = await sendStripe(
      service,
      stripeEvent('invoice.payment_failed', invoice({ customer: cus, parent: null })),
    );
    expect(loose.body).toEqual({ outcome: 'ignored' });
    await sendStripe(service, updated(object({ status: 'trialing', trial_end: BASE + 9 })));
    await sendStripe(
      service,
      stripeEvent('invoice.paid', invoice({ customer: cus, subscription: sub, parent: null }), { created: BASE + 1 }),
    );
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'trial' });
  });

  test('returns 200 repeated for the same event', async () => {
    const { id, object } = await customer();
    const event = updated(object());
    await sendStripe(service, event);
    const before = await tenantOf(service, id);
    const again = await Promise.all([1, 2, 3].map(() => sendStripe(service, event)));
    expect(again.map(({ body }) => body['outcome'])).toEqual(['repeated', 'repeated', 'repeated']);
    // Nor does the same id with other contents, which nobody but the sender can sign.
    await sendStripe(service, { ...updated(object({ status: 'canceled' }), BASE + 9), id: event.id });
    expect(await tenantOf(service, id)).toEqual(before);
    expect(await service.db('audit_events').where({ organization_id: id }).pluck('actor_id')).toEqual(['hook:stripe']);
  });

  test('applies the same event once when it arrives many times at once', async () => {
    const { id, object } = await customer();
    const event = updated(object());
    const answers = await Promise.all(Array.from({ length: 8 }, () => sendStripe(service, event)));
    expect(answers.map(({ body }) => String(body['outcome'])).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'applied',
      ...Array<string>(7).fill('repeated'),
    ]);
    expect(await service.db('audit_events').where({ organization_id: id })).toHaveLength(1);
  });

  test('returns 200 stale for an event older than what is recorded', async () => {
    const { id, object } = await customer();
    await sendStripe(service, updated(object({ status: 'canceled' }), BASE + 10));
    const late = updated(object({ status: 'active' }), BASE + 9);
    expect((await sendStripe(service, late)).body).toEqual({ outcome: 'stale' });
    expect(await kept(service, late.id)).toMatchObject({ outcome: 'stale', organization_id: id });
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'decommissioning' });
  });

  test('returns 200 unchanged for an event that changes nothing', async () => {
    const { object } = await customer();
    await sendStripe(service, updated(object()));
    expect((await sendStripe(service, updated(object(), BASE + 1))).body).toEqual({ outcome: 'unchanged' });
  });

  test('returns 200 ignored for a type that does not concern Latchkey, and records no contents', async () => {
    const event = stripeEvent('customer.created', { id: 'cus_1', email: 'jane@acme.test' });
    expect((await sendStripe(service, event)).body).toEqual({ outcome: 'ignored' });
    expect(await kept(service, event.id)).toMatchObject({ type: 'customer.created', payload: { kind: 'foreign' } });
  });

  test.each([
    ['with brackets', 'v2.core.account[requirements].updated'],
    ['with other signs', 'billing-meter:created'],
    ['that is long', 'x'.repeat(255)],
  ])('a type %s does not concern us either, with or without what happened: 200 ignored', async (_what, type) => {
    const { data: _left, created: _unread, ...thin } = stripeEvent(type, {});
    expect((await sendStripe(service, thin)).body).toEqual({ outcome: 'ignored' });
    expect(await kept(service, thin.id)).toMatchObject({ type, occurred_at: null, payload: { kind: 'foreign' } });
  });

  test('returns 200 unreadable for a thin payload, and says what to choose', async () => {
    const { data: _left, ...event } = updated({});
    expect((await sendStripe(service, event)).body).toEqual({ outcome: 'unreadable' });
    const type = 'v1.customer.subscription.updated';
    const thin = { id: event.id, object: 'v2.core.event', type, created: new Date().toISOString() };
    expect((await sendStripe(service, thin)).body).toEqual({ outcome: 'unreadable' });
    expect((await kept(service, event.id)).detail).toContain('choose snapshots');
  });

  test.each([
    ['a status that nobody knows', { status: 'asleep' }],
    ['a trial without an end', { status: 'trialing', trial_end: null }],
    ['a trial that ends beyond the calendar', { status: 'trialing', trial_end: 1e15 }],
    ['a moment that is no number', { created: 'today' }],
    ['a customer that is a list', { customer: [] }],
    ['more items than there can be', { items: { data: Array.from({ length: 21 }, () => ({})) } }],
  ])('returns 200 unreadable for %s, and reads it again when it is sent again', async (_what, fields) => {
    const { id, object } = await customer();
    const event = updated(object(fields));
    expect((await sendStripe(service, event)).body).toEqual({ outcome: 'unreadable' });
    expect(service.logs.some((line) => line.includes(event.id) && line.includes('"level":"warn"'))).toBe(true);
    expect((await sendStripe(service, { ...updated(object()), id: event.id })).body).toEqual({ outcome: 'applied' });
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'active' });
    expect(await kept(service, event.id)).toMatchObject({ outcome: 'applied', attempts: 2 });
  });

  test.each([[-1], [1e12], ['x'], [BASE + 366 * 86_400], [null]])(
    'cannot read an event of the time %j',
    async (created) => {
      const { object } = await customer();
      const event = { ...updated(object()), created };
      expect((await sendStripe(service, event)).body).toEqual({ outcome: 'unreadable' });
    },
  );

  test('records no personal data and logs no contents', async () => {
    const { object, cus, sub } = await customer();
    const event = updated(object({ metadata: { note: 'jane@acme.test' } }), BASE, { description: 'jane@acme.test' });
    const bill = stripeEvent('invoice.paid', invoice({ customer: cus, subscription: sub }));
    await sendStripe(service, event);
    await sendStripe(service, bill);
    const rows = [
      await kept(service, event.id),
      await kept(service, bill.id),
      ...(await service.db('stripe_subscriptions')),
    ];
    expect(JSON.stringify(rows)).not.toMatch(/jane|Jane|pm_x|eur/);
    expect(service.logs.join('')).not.toMatch(/jane|price_x/);
  });

  test('has no routes without secrets', async () => {
    const other = await startService();
    expect(outcome(await sendStripe(other, updated(subscription())))).toEqual([404, 'route_not_found']);
    expect(outcome(await call(other, 'POST', '/v1/hooks/billing', { body: {} }))).toEqual([404, 'route_not_found']);
  });

  test('documents each route with its signature', async () => {
    const document = (await call(service, 'GET', '/openapi.json')).body as unknown as {
      paths: Record<string, { post: { security: object[]; responses: object } }>;
    };
    const statuses = ['200', '400', '401', '413', '415', '500', '503'];
    expect(document.paths[PATH]!.post.security).toEqual([{ stripeSignature: [] }]);
    expect(document.paths['/v1/hooks/billing']!.post.security).toEqual([{ standardWebhook: [] }]);
    expect(Object.keys(document.paths[PATH]!.post.responses).toSorted()).toEqual(statuses);
  });

  test('counts webhooks by closed sets of labels', async () => {
    await sendStripe(service, { ...updated(subscription()), type: 'customer.created' });
    const headers = { 'stripe-signature': 't=1,v1=00' };
    expect(outcome(await call(service, 'POST', PATH, { headers, body: {} }))).toEqual([401, 'credential_invalid']);
    const text = await (await fetch(`${service.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith('latchkey_hooks_total'));
    expect(lines.join('\n')).toMatch(/source="stripe",type="other",outcome="ignored"/);
    expect(lines.join('\n')).toMatch(/type="unread",outcome="refused"/);
    expect(lines.join('\n')).not.toMatch(/customer\.created/);
  });
});
