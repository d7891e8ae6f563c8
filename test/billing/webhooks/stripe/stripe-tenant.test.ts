import { describe, expect, test } from 'vitest';
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

const service = await startService(HOOK_SECRETS);
const named = (organizationId: string) => ({ metadata: { organization_id: organizationId } });

async function customer() {
  const { id } = await service.organizations.add(null);
  const cus = await linkCustomer(service, id);
  const sub = newId('sub');
  return { id, cus, sub, object: (fields: object = {}) => subscription({ id: sub, customer: cus, ...fields }) };
}

const updated = (object: object, created = BASE, previous?: object) =>
  stripeEvent('customer.subscription.updated', object, { created, ...(previous && { previous }) });

describe('POST /v1/hooks/stripe', () => {
  test('takes the organization from the subscription only where no customer is known', async () => {
    const [org, acme] = [newId('org'), await customer()];
    const { metadata } = named(org);
    const fields = { metadata, id: newId('sub') };
    expect((await sendStripe(service, updated(subscription({ ...fields, customer: newId('cus') })))).body).toEqual({
      outcome: 'applied',
    });
    expect(await tenantOf(service, org)).toMatchObject({ billing_status: 'active' });
    await sendStripe(service, updated(acme.object({ status: 'past_due', metadata })));
    expect(await tenantOf(service, acme.id)).toMatchObject({ billing_status: 'past_due' });
    expect(await tenantOf(service, org)).toMatchObject({ billing_status: 'active' });
  });

  test.each(['acme', 'org_', `org_${'x'.repeat(61)}`, 'org_x/../y', 7, null, { a: 1 }, 'org_\u0000', 'org_💥'])(
    'ignores %j as the id of an organization',
    async (name) => {
      const event = updated(
        subscription({ id: newId('sub'), customer: newId('cus'), metadata: { organization_id: name } }),
      );
      expect((await sendStripe(service, event)).body).toEqual({ outcome: 'unknown_tenant' });
    },
  );

  test('applies a waiting event once its organization is known, without a retry', async () => {
    const { id } = await service.organizations.add(null);
    const cus = newId('cus');
    const object = (status: string) => subscription({ id: `sub_${cus}`, customer: cus, status });
    const [first, second] = [updated(object('active'), BASE), updated(object('past_due'), BASE + 1)];
    for (const event of [second, first])
      expect((await sendStripe(service, event)).body).toEqual({ outcome: 'unknown_tenant' });
    await service.background.runOnce('apply_waiting_hooks');
    expect(await kept(service, first.id)).toMatchObject({ outcome: 'unknown_tenant', customer_id: cus, attempts: 1 });
    await linkCustomer(service, id, cus);
    await service.background.runOnce('apply_waiting_hooks');
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'past_due' });
    expect(await kept(service, second.id)).toMatchObject({ outcome: 'applied', organization_id: id, attempts: 2 });
    expect(await kept(service, first.id)).toMatchObject({ outcome: 'stale' });
  });

  test('knows a customer from the event of WorkOS on', async () => {
    const { id } = await service.organizations.add(null);
    const [cus, headers] = [
      newId('cus'),
      { authorization: `Bearer ${service.workos.apiKey}`, 'content-type': 'application/json' },
    ];
    const body = JSON.stringify({ stripe_customer_id: cus });
    const changed = await fetch(`${service.workos.url}/organizations/${id}`, { method: 'PUT', headers, body });
    expect(changed.status).toBe(200);
    await service.background.runOnce('events');
    await sendStripe(service, updated(subscription({ id: newId('sub'), customer: cus })));
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'active', stripe_customer_id: cus });
  });

  test('changes no other organization by an old invoice that names it: the subscription goes first', async () => {
    const [wrong, right, id, customer] = [newId('org'), newId('org'), newId('sub'), newId('cus')];
    await sendStripe(service, updated(subscription({ id, customer, ...named(wrong) })));
    await sendStripe(service, updated(subscription({ id, customer, ...named(right) }), BASE + 5));
    const parent = { subscription_details: { subscription: id, ...named(wrong) } };
    const event = stripeEvent('invoice.payment_failed', invoice({ customer, parent }), { created: BASE + 9 });
    await sendStripe(service, event);
    expect(await kept(service, event.id)).toMatchObject({ outcome: 'applied', organization_id: right });
    expect(await tenantOf(service, right)).toMatchObject({ billing_status: 'past_due' });
    expect(await tenantOf(service, wrong)).toMatchObject({ billing_status: 'active' });
  });
});
