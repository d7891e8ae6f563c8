import { Stripe } from 'stripe';
import { describe, expect, test } from 'vitest';
import { call, outcome } from '../../../support/api.ts';
import { startService } from '../../../support/service.ts';
import {
  BASE,
  HOOK_SECRETS,
  OTHER_STRIPE_SECRET,
  kept,
  linkCustomer,
  newId,
  sendStripe,
  stripeEvent,
  subscription,
  tenantOf,
} from '../send.ts';

const MINUTE_MS = 60_000;
const PATH = '/v1/hooks/stripe';
const service = await startService(HOOK_SECRETS);

async function customer() {
  const { id } = await service.organizations.add(null);
  const cus = await linkCustomer(service, id);
  const sub = newId('sub');
  return { id, object: (fields: object = {}) => subscription({ id: sub, customer: cus, ...fields }) };
}

const updated = (object: object) => stripeEvent('customer.subscription.updated', object, { created: BASE });

describe('POST /v1/hooks/stripe', () => {
  test.each([
    ['with another secret', { secret: 'whsec_nobodyhasthissecret01234' }],
    ['sent more than five minutes ago', { sentAt: Date.now() - 5 * MINUTE_MS - 5_000 }],
    ['sent more than five minutes from now', { sentAt: Date.now() + 5 * MINUTE_MS + 20_000 }],
    ['sent long ago', { sentAt: 1_000 }],
  ])('a signature made %s is refused, and nothing is kept', async (_what, sent) => {
    const { id, object } = await customer();
    const event = updated(object());
    expect(outcome(await sendStripe(service, event, sent))).toEqual([401, 'credential_invalid']);
    expect(await kept(service, event.id)).toBeUndefined();
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: null });
    expect(
      service.logs.some((line) => line.includes('billing webhook rejected') && line.includes('"source":"stripe"')),
    ).toBe(true);
  });

  test('accepts both secrets while one is being changed', async () => {
    const { object } = await customer();
    expect((await sendStripe(service, updated(object()), { secret: OTHER_STRIPE_SECRET })).status).toBe(200);
  });

  const NOW = Math.floor(Date.now() / 1_000);
  test.each([
    'v1=x',
    't=1',
    `t=${NOW}`,
    `t=${NOW},v1=`,
    `t=${NOW},v0=abc`,
    `t=NaN,v1=abc`,
    `v1=abc,t=${NOW}`,
    `t=${NOW},t=${NOW},v1=a`,
    ',,,',
    `t=${NOW}${',v1=a'.repeat(50)}`,
  ])('the signature %j is refused', async (signature) => {
    const answer = await sendStripe(service, updated(subscription()), { headers: { 'stripe-signature': signature } });
    expect(outcome(answer)).toEqual([401, 'credential_invalid']);
  });

  test('refuses a signature of another body', async () => {
    const payload = JSON.stringify(updated((await customer()).object()));
    const headers = {
      'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload, secret: OTHER_STRIPE_SECRET }),
    };
    for (const other of [`${payload} `, payload.replace('active', 'activE'), `\uFEFF${payload}`, ''])
      expect(outcome(await call(service, 'POST', PATH, { body: other, headers }))[0]).toBe(401);
    expect((await call(service, 'POST', PATH, { body: payload, headers })).status).toBe(200);
  });

  test('returns 401 without a signature, and for other credentials', async () => {
    const token = await (await service.organizations.add()).session();
    expect(outcome(await call(service, 'POST', PATH, { token, body: {} }))).toEqual([401, 'credential_missing']);
  });

  const NESTED = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
  test.each([
    ['no JSON', '{"id":'],
    ['a list', '[]'],
    ['a number', '1e999'],
    ['an object that is no event', '{}'],
    ['one whose id is too long', JSON.stringify({ ...updated({}), id: 'e'.repeat(256) })],
    ['one whose id is no word', JSON.stringify({ ...updated({}), id: 'evt_\u0000' })],
    ['one whose type is no word', JSON.stringify({ ...updated({}), type: '💥' })],
    ['nothing but depth', NESTED],
  ])('a signed body that is %s is 400, and not kept', async (_what, text) => {
    const before = await service.db('hook_inbox').count();
    expect(outcome(await sendStripe(service, text))).toEqual([400, 'validation_error']);
    expect(await service.db('hook_inbox').count()).toEqual(before);
  });

  test('finds a deeply nested event unreadable at most', async () => {
    const text = JSON.stringify(updated({})).replace('"object":{}', `"object":${NESTED}`);
    expect((await sendStripe(service, text)).body).toEqual({ outcome: 'unreadable' });
  });

  test('returns 503 while the database is unavailable, so that Stripe retries', async () => {
    const other = await startService(HOOK_SECRETS);
    await other.db.destroy();
    const answer = await sendStripe(other, updated(subscription()));
    expect(outcome(answer)).toEqual([503, 'database_unavailable']);
    expect(answer.headers.get('retry-after')).not.toBeNull();
  });
});
